//! Making, moving and deleting.

use anabranch_hdfs_proto::hdfs::{
    DeleteRequestProto, DeleteResponseProto, MkdirsRequestProto, MkdirsResponseProto, Rename2RequestProto,
    Rename2ResponseProto, RenameRequestProto, RenameResponseProto,
};

use super::{Context, Service};
use crate::state::ops::{self, Rename2};
use crate::state::{Fault, Txn};

pub async fn mkdirs(s: &Service, c: &Context, q: MkdirsRequestProto) -> Result<MkdirsResponseProto, Fault> {
    let (caller, path) = (c.caller.clone(), q.src.clone());
    let op = move |txn: &mut Txn<'_>| ops::mkdirs(txn, &caller, &q.src, q.masked.perm, q.create_parent);
    s.change(|| format!("Cannot create directory {path}"), op).await?;
    Ok(MkdirsResponseProto { result: true })
}

pub async fn rename(s: &Service, c: &Context, q: RenameRequestProto) -> Result<RenameResponseProto, Fault> {
    let (caller, path) = (c.caller.clone(), q.src.clone());
    let op =
        move |txn: &mut Txn<'_>| ops::rename(txn, &caller, &q.src, &q.dst).map(|result| RenameResponseProto { result });
    s.change_once(|| format!("Cannot rename {path}"), c, op).await
}

pub async fn rename2(s: &Service, c: &Context, q: Rename2RequestProto) -> Result<Rename2ResponseProto, Fault> {
    if q.move_to_trash == Some(true) {
        // What goes to the trash will be deleted by somebody who may: the caller has to be allowed to.
        ops::check_delete(&s.view(), &c.caller, &q.src)?;
    }
    let (caller, path) = (c.caller.clone(), q.src.clone());
    let ask = Rename2 { from: q.src, to: q.dst, overwrite: q.overwrite_dest };
    let op = move |txn: &mut Txn<'_>| {
        ops::rename2(txn, &caller, &ask)?;
        Ok(Rename2ResponseProto {})
    };
    let answer = s.change_once(|| format!("Cannot rename {path}"), c, op).await?;
    s.wake.notify_one();
    Ok(answer)
}

pub async fn delete(s: &Service, c: &Context, q: DeleteRequestProto) -> Result<DeleteResponseProto, Fault> {
    if !c.caller.superuser {
        ops::check_delete(&s.view(), &c.caller, &q.src)?;
    }
    let (caller, path) = (c.caller.clone(), q.src.clone());
    let op = move |txn: &mut Txn<'_>| {
        ops::delete(txn, &caller, &q.src, q.recursive).map(|result| DeleteResponseProto { result })
    };
    let answer = s.change_once(|| format!("Cannot delete {path}"), c, op).await?;
    s.wake.notify_one();
    Ok(answer)
}
