//! Records that nobody should have written: a driver leaves them out and names them, and serves the others.

use anabranch_hdfs_proto::hdfs::{MountTableRecordProto, RemoteLocationProto};
use anabranch_journal::{Batch, Journal};
use prost::Message;
use rand::rngs::SmallRng;
use rand::{RngCore, SeedableRng};

use super::*;
use crate::record::seal;

/// A key, and the message that is found under it.
pub type Planted = (String, Vec<u8>);

/// Two records that can be read, of which one has a field that no program knows yet, among some that cannot: one that was cut
/// off, one that is under the key of another, noise, and a well-formed one, both of so many bytes, which are more than a
/// record may have. `make` makes the record that a name identifies.
pub fn planted<R: Record>(make: impl Fn(&str) -> R, bytes: usize) -> Vec<Planted> {
    let mut noise = vec![0; bytes];
    SmallRng::seed_from_u64(1).fill_bytes(&mut noise);
    let under = |name: &str, change: &dyn Fn(Vec<u8>) -> Vec<u8>| {
        let record = make(name);
        (record.key().to_owned(), change(record.encode()))
    };
    vec![
        // Within a field: a message that ends behind one may be whole.
        under("/cut", &|message| message[..3].to_vec()),
        under("/good", &|message| message),
        under("/huge", &|message| with_unknown(message, bytes)),
        under("/noise", &|_| noise.clone()),
        under("/other", &|_| make("/another").encode()),
        under("/unknown", &|message| with_unknown(message, 2)),
    ]
}

fn with_unknown(mut message: Vec<u8>, bytes: usize) -> Vec<u8> {
    prost::encoding::bytes::encode(1023, &vec![b'x'; bytes], &mut message);
    message
}

/// Mounts whose source, or whose destination, climbs out of its tree.
pub fn climbing() -> Vec<Planted> {
    let mount = |source: &str, path: &str| {
        let destination = RemoteLocationProto { nameservice_id: Some("ns0".into()), path: Some(path.into()) };
        let destinations = vec![destination];
        let message = MountTableRecordProto { src_path: Some(source.into()), destinations, ..Default::default() };
        (source.to_owned(), message.encode_to_vec())
    };
    vec![mount("/a/..", "/x"), mount("/climbs", "/x/../../etc")]
}

/// Puts messages into a journal, below the store that it will be.
pub async fn plant<R: Record>(journal: &impl Journal, planted: &[Planted]) {
    let version = Version(journal.revision() + 1);
    let mut batch = Batch::new();
    for (key, message) in planted {
        batch.put(R::KIND, key.as_bytes(), seal(version, message));
    }
    journal.commit(batch).await.unwrap();
}

/// Holds a driver in which these were planted to showing two records, and to naming all others, which can be deleted.
pub async fn isolates<R: Record>(store: &dyn Records<R>, make: impl Fn(&str) -> R, planted: &[Planted]) {
    let good = ["/good", "/unknown"].map(|name| make(name).key().to_owned());
    let list = store.list().await.unwrap();
    let found: Vec<_> = list.records.iter().map(|stored| stored.record.key()).collect();
    assert_eq!(found, good);
    let broken: Vec<_> = list.broken.iter().map(|broken| broken.key.clone()).collect();
    let mut expected: Vec<_> = planted.iter().map(|(key, _)| key.clone()).filter(|key| !good.contains(key)).collect();
    expected.sort();
    assert_eq!(broken, expected);

    let mut watch = store.watch(None);
    assert_eq!(next(&mut *watch).await, Event::Snapshot(list.clone()));
    let new = make("/new");
    let version = store.put(new.clone(), Version::ABSENT).await.unwrap();
    assert_eq!(changed(&mut *watch).await, (version.0, vec![format!("+{}", new.key())]));
    for broken in list.broken {
        let version = store.delete(broken.key.clone(), broken.version).await.unwrap();
        assert_eq!(changed(&mut *watch).await, (version.0, vec![format!("-{}", broken.key)]));
    }
    assert_eq!(store.list().await.unwrap().broken, []);
}
