//! Owner, permissions, times, replication, and the access control list that these amount to.

use anabranch_hdfs_proto::hdfs::{
    AclStatusProto, CheckAccessRequestProto, CheckAccessResponseProto, FsPermissionProto, GetAclStatusRequestProto,
    GetAclStatusResponseProto, SetOwnerRequestProto, SetOwnerResponseProto, SetPermissionRequestProto,
    SetPermissionResponseProto, SetReplicationRequestProto, SetReplicationResponseProto, SetTimesRequestProto,
    SetTimesResponseProto,
};

use super::{Context, Service};
use crate::state::access::{Action, Needs};
use crate::state::resolve::{Purpose, resolve};
use crate::state::{Fault, Kind, Txn, ops};

pub async fn set_permission(
    s: &Service,
    c: &Context,
    q: SetPermissionRequestProto,
) -> Result<SetPermissionResponseProto, Fault> {
    let (caller, path) = (c.caller.clone(), q.src.clone());
    let op = move |txn: &mut Txn<'_>| ops::set_permission(txn, &caller, &q.src, q.permission.perm);
    s.change(|| format!("Cannot set permission for {path}"), op).await?;
    Ok(SetPermissionResponseProto {})
}

pub async fn set_owner(s: &Service, c: &Context, q: SetOwnerRequestProto) -> Result<SetOwnerResponseProto, Fault> {
    let (caller, path) = (c.caller.clone(), q.src.clone());
    let op =
        move |txn: &mut Txn<'_>| ops::set_owner(txn, &caller, &q.src, q.username.as_deref(), q.groupname.as_deref());
    s.change(|| format!("Cannot set owner for {path}"), op).await?;
    Ok(SetOwnerResponseProto {})
}

pub async fn set_times(s: &Service, c: &Context, q: SetTimesRequestProto) -> Result<SetTimesResponseProto, Fault> {
    // −1, which is not a time, leaves one as it is.
    let given = |time: u64| (time != u64::MAX).then_some(time);
    let (mtime, atime) = (given(q.mtime), given(q.atime));
    if atime.is_some() && s.config.access_time_ms == 0 {
        return Err(Fault::io(
            "Access time for hdfs is not configured.  Please set dfs.namenode.accesstime.precision configuration \
             parameter.",
        ));
    }
    let (caller, path) = (c.caller.clone(), q.src.clone());
    let op = move |txn: &mut Txn<'_>| ops::set_times(txn, &caller, &q.src, mtime, atime);
    s.change(|| format!("Cannot set times {path}"), op).await?;
    Ok(SetTimesResponseProto {})
}

pub async fn set_replication(
    s: &Service,
    c: &Context,
    q: SetReplicationRequestProto,
) -> Result<SetReplicationResponseProto, Fault> {
    let (caller, path) = (c.caller.clone(), q.src.clone());
    let op = move |txn: &mut Txn<'_>| ops::set_replication(txn, &caller, &q.src, q.replication);
    let result = s.change(|| format!("Cannot set replication for {path}"), op).await?;
    Ok(SetReplicationResponseProto { result })
}

pub async fn check_access(
    s: &Service,
    c: &Context,
    q: CheckAccessRequestProto,
) -> Result<CheckAccessResponseProto, Fault> {
    let view = s.view();
    let found = resolve(&view, &c.caller, &q.path, Purpose::Use)?;
    if found.target().is_none() {
        return Err(Fault::new(Kind::FileNotFound, format!("Path not found: {}", found.path())));
    }
    let action = Action::from_bits(u32::try_from(q.mode).unwrap_or(0));
    c.caller.check(&found, Needs { target: Some(action), ..Needs::default() })?;
    Ok(CheckAccessResponseProto {})
}

pub async fn get_acl_status(
    s: &Service,
    c: &Context,
    q: GetAclStatusRequestProto,
) -> Result<GetAclStatusResponseProto, Fault> {
    let view = s.view();
    let found = resolve(&view, &c.caller, &q.src, Purpose::Use)?;
    let absent = || Fault::new(Kind::FileNotFound, format!("cannot find {}", found.path()));
    let inode = found.target().ok_or_else(absent)?;
    Ok(GetAclStatusResponseProto {
        result: AclStatusProto {
            owner: inode.owner.clone(),
            group: inode.group.clone(),
            sticky: inode.mode & 0o1000 != 0,
            entries: Vec::new(),
            permission: Some(FsPermissionProto { perm: inode.mode }),
        },
    })
}
