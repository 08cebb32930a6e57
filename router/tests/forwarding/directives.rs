//! Cache directives and pools of several subclusters.

use std::sync::Arc;

use anabranch_hdfs_proto::hdfs as pb;
use anabranch_hrpc::{Exception, Payload, class};
use anabranch_store::{DisabledNameservice, JournalStore, Version, Writer};
use anabranch_testkit::fake_namenode::FakeNamenode;
use parking_lot::Mutex;

use crate::fleet::{fleet, quick};
use crate::members::wait_owner;
use crate::rig::{Client, Mount, Rig, config, directory, table};

const MOUNTS: &[Mount<'_>] = &[
    ("/data", &[("ns1", "/warehouse")]),
    ("/data/hot", &[("ns2", "/hot")]),
    ("/all", &[("ns1", "/w"), ("ns2", "/w")]),
    ("/twice", &[("ns2", "/t"), ("ns2", "/u")]),
    ("/gone", &[("ns9", "/")]),
];

/// Ids that clients see of `ns2`; `ns1` is the default nameservice.
const NS2: i64 = 485_353 << 32;

type Directives = Arc<Mutex<Vec<(i64, String)>>>;

fn info(id: i64, path: &str) -> pb::CacheDirectiveInfoProto {
    pb::CacheDirectiveInfoProto {
        id: Some(id),
        path: Some(path.into()),
        pool: Some("p".into()),
        replication: Some(3),
        ..Default::default()
    }
}

/// A NameNode as to its directives, of which it shows two at a time.
async fn namenode(pool: &str, directives: &[(i64, &str)]) -> (FakeNamenode, Directives) {
    let fake = FakeNamenode::start(pool).await.unwrap();
    let directives = directives.iter().map(|(id, path)| (*id, (*path).to_owned())).collect();
    let directives: Directives = Arc::new(Mutex::new(directives));
    let refuse = |message: String| Err(Exception::new(class::INVALID_REQUEST, format!("{message}\n\tat Trace")));
    let all = directives.clone();
    fake.script("listCacheDirectives", move |call| {
        let request = call.decode::<pb::ListCacheDirectivesRequestProto>()?;
        let (filter, all) = (request.filter, all.lock());
        if let Some(id) = filter.id
            && !all.iter().any(|(known, _)| *known == id)
        {
            return refuse(format!("Did not find requested id {id}"));
        }
        let path = |path: &str| filter.path.as_ref().is_none_or(|wanted| wanted == path);
        let found = all.iter().filter(|(id, at)| match filter.id {
            Some(wanted) => *id == wanted && path(at),
            None => *id > request.prev_id && path(at),
        });
        let entry = |(id, path): &(i64, String)| pb::CacheDirectiveEntryProto {
            info: info(*id, path),
            stats: pb::CacheDirectiveStatsProto { bytes_needed: *id, ..Default::default() },
        };
        let elements = found.clone().take(2).map(entry).collect();
        Ok(Payload::message(&pb::ListCacheDirectivesResponseProto { elements, has_more: found.count() > 2 }))
    });
    let all = directives.clone();
    fake.script("removeCacheDirective", move |call| {
        let id = call.decode::<pb::RemoveCacheDirectiveRequestProto>()?.id;
        let mut all = all.lock();
        let Some(at) = all.iter().position(|(known, _)| *known == id) else {
            return refuse(format!("No directive with ID {id} found."));
        };
        all.remove(at);
        Ok(Payload::message(&pb::RemoveCacheDirectiveResponseProto {}))
    });
    let all = directives.clone();
    fake.script("addCacheDirective", move |call| {
        let mut all = all.lock();
        let id = all.last().map_or(1, |(id, _)| id + 1);
        all.push((id, call.decode::<pb::AddCacheDirectiveRequestProto>()?.info.path().to_owned()));
        Ok(Payload::message(&pb::AddCacheDirectiveResponseProto { id }))
    });
    let all = directives.clone();
    fake.script("modifyCacheDirective", move |call| {
        let info = call.decode::<pb::ModifyCacheDirectiveRequestProto>()?.info;
        let mut all = all.lock();
        let Some(known) = all.iter_mut().find(|(known, _)| *known == info.id()) else {
            return refuse(format!("No directive with ID {} found.", info.id()));
        };
        if let Some(path) = info.path {
            known.1 = path;
        }
        Ok(Payload::message(&pb::ModifyCacheDirectiveResponseProto {}))
    });
    (fake, directives)
}

struct Site {
    namenodes: [FakeNamenode; 2],
    directives: [Directives; 2],
    client: Client,
    store: JournalStore,
    _rig: Rig,
}

async fn site(first: &[(i64, &str)], second: &[(i64, &str)]) -> Site {
    let ((ns1, one), (ns2, two)) = (namenode("BP-1", first).await, namenode("BP-2", second).await);
    let config = config(&[("ns1", &[ns1.address]), ("ns2", &[ns2.address])]);
    let store = JournalStore::in_memory();
    let table = Some(table(MOUNTS, Some("ns1")));
    let rig = Rig::start_in_fleet(quick("r1:8888", config), table, Some(fleet(&store))).await;
    let client = rig.client("ann").await;
    Site { namenodes: [ns1, ns2], directives: [one, two], client, store, _rig: rig }
}

impl Site {
    async fn page(
        &self,
        prev_id: i64,
        id: Option<i64>,
        path: Option<&str>,
    ) -> Result<(Vec<(i64, String)>, bool), Exception> {
        let filter = pb::CacheDirectiveInfoProto { id, path: path.map(str::to_owned), ..Default::default() };
        let request = pb::ListCacheDirectivesRequestProto { prev_id, filter };
        let page: pb::ListCacheDirectivesResponseProto = self.client.call("listCacheDirectives", request).await?;
        let elements = page.elements.into_iter().map(|entry| {
            assert_eq!((entry.info.pool(), entry.info.replication()), ("p", 3));
            assert_eq!(entry.stats.bytes_needed, entry.info.id() & 0xffff_ffff);
            (entry.info.id(), entry.info.path().to_owned())
        });
        Ok((elements.collect(), page.has_more))
    }

    /// All pages, as a Java client asks for them.
    async fn all(&self, path: Option<&str>) -> Vec<(i64, String)> {
        let (mut found, mut cursor) = (Vec::new(), 0);
        loop {
            let (entries, more) = self.page(cursor, None, path).await.unwrap();
            assert!(!(more && entries.is_empty()), "an empty page is taken for the last one");
            found.extend(entries);
            if !more {
                return found;
            }
            cursor = found.last().unwrap().0;
        }
    }

    async fn modify(&self, info: pb::CacheDirectiveInfoProto) -> Result<(), Exception> {
        let request = pb::ModifyCacheDirectiveRequestProto { info, cache_flags: None };
        self.client.call::<pb::ModifyCacheDirectiveResponseProto>("modifyCacheDirective", request).await.map(drop)
    }

    async fn remove(&self, id: i64) -> Result<(), Exception> {
        let request = pb::RemoveCacheDirectiveRequestProto { id };
        self.client.call::<pb::RemoveCacheDirectiveResponseProto>("removeCacheDirective", request).await.map(drop)
    }

    async fn add(&self, path: &str) -> Result<i64, Exception> {
        let info = pb::CacheDirectiveInfoProto { id: None, ..info(0, path) };
        let request = pb::AddCacheDirectiveRequestProto { info, cache_flags: None };
        Ok(self.client.call::<pb::AddCacheDirectiveResponseProto>("addCacheDirective", request).await?.id)
    }

    fn left(&self) -> [Vec<i64>; 2] {
        [0, 1].map(|at| self.directives[at].lock().iter().map(|(id, _)| *id).collect())
    }
}

fn owned(entries: &[(i64, &str)]) -> Vec<(i64, String)> {
    entries.iter().map(|(id, path)| (*id, (*path).to_owned())).collect()
}

/// What a refusal says, which must be one of the calls' making.
fn invalid<T: std::fmt::Debug>(result: Result<T, Exception>) -> String {
    let exception = result.unwrap_err();
    assert_eq!(exception.class, class::INVALID_REQUEST, "{exception}");
    exception.first_line().to_owned()
}

#[tokio::test]
async fn directives_of_all_subclusters_are_listed_once_as_clients_see_them() {
    let site = site(
        &[(1, "/x"), (2, "/warehouse/a"), (3, "/data/behind"), (5, "/warehouse/a"), (9, "/w/f")],
        // What no mount shows fills a page.
        &[(1, "/else"), (2, "/else"), (3, "/hot/b"), (4, "/else"), (6, "/w/f"), (7, "/else"), (8, "/else")],
    )
    .await;
    let all = [(1, "/x"), (2, "/data/a"), (5, "/data/a"), (9, "/all/f"), (NS2 | 3, "/data/hot/b"), (NS2 | 6, "/all/f")];
    assert_eq!(site.all(None).await, owned(&all));
    assert_eq!(site.all(Some("/data/a")).await, owned(&[(2, "/data/a"), (5, "/data/a")]));
    assert_eq!(site.all(Some("/data/hot/b")).await, owned(&[(NS2 | 3, "/data/hot/b")]));
    assert_eq!(site.all(Some("/all/f")).await, owned(&[(9, "/all/f"), (NS2 | 6, "/all/f")]));

    let one = |id: i64, path: &str| Ok((owned(&[(id, path)]), false));
    assert_eq!(site.page(0, Some(NS2 | 3), None).await, one(NS2 | 3, "/data/hot/b"));
    assert_eq!(site.page(0, Some(5), Some("/data/a")).await, one(5, "/data/a"));
    assert_eq!(site.page(0, Some(NS2 | 6), Some("/all/f")).await, one(NS2 | 6, "/all/f"));
    assert_eq!(site.page(0, Some(NS2 | 6), Some("/data/a")).await, Ok((vec![], false)));
    for unknown in [7, NS2 | 5, 4711 << 32 | 1, i64::MAX] {
        assert_eq!(invalid(site.page(0, Some(unknown), None).await), format!("Did not find requested id {unknown}"));
    }
    let gone = site.page(0, None, Some("/gone/x")).await.unwrap_err();
    assert_eq!(gone.message, "Cannot locate a registered namenode for ns9 from r1:8888");
    // A part that is missing would look like the whole.
    site.namenodes[1].throw("listCacheDirectives", class::ACCESS_CONTROL, "no");
    assert_eq!(site.page(0, None, None).await.unwrap_err().class, class::ACCESS_CONTROL);
}

#[tokio::test]
async fn an_id_leads_to_its_subcluster_and_to_no_other() {
    let site = site(&[(1, "/x"), (2, "/x"), (3, "/x")], &[(1, "/hot/b"), (2, "/hot/b"), (4, "/hot/b")]).await;
    site.remove(NS2 | 2).await.unwrap();
    site.remove(1).await.unwrap();
    assert_eq!(site.left(), [vec![2, 3], vec![1, 4]]);
    for unknown in [4, NS2 | 3, 4711 << 32 | 1] {
        assert_eq!(invalid(site.remove(unknown).await), format!("No directive with ID {unknown} found."));
        let modified = site.modify(pb::CacheDirectiveInfoProto { path: None, ..info(unknown, "") }).await;
        assert_eq!(invalid(modified), format!("No directive with ID {unknown} found."));
    }
    assert_eq!(site.left(), [vec![2, 3], vec![1, 4]]);

    assert_eq!(site.add("/data/new").await, Ok(4));
    assert_eq!(site.add("/data/hot/new").await, Ok(NS2 | 5));
    // One in each, of which each has an id of its own.
    assert!([Ok(5), Ok(NS2 | 6)].contains(&site.add("/all/f").await));
    assert_eq!(site.left(), [vec![2, 3, 4, 5], vec![1, 4, 5, 6]]);

    site.modify(info(NS2 | 4, "/data/hot/c")).await.unwrap();
    site.modify(info(NS2 | 6, "/all/g")).await.unwrap();
    site.modify(pb::CacheDirectiveInfoProto { path: None, ..info(2, "") }).await.unwrap();
    let paths = site.directives[1].lock().iter().map(|(_, path)| path.clone()).collect::<Vec<_>>();
    assert_eq!(paths, ["/hot/b", "/hot/c", "/hot/new", "/w/g"]);
    let across = invalid(site.modify(info(NS2 | 4, "/data/a")).await);
    assert_eq!(across, format!("Directive with ID {} is in ns2, where /data/a is not.", NS2 | 4));
    let twice = invalid(site.modify(info(NS2 | 4, "/twice/a")).await);
    assert_eq!(twice, format!("Directive with ID {} is in ns2, where /twice/a is in several places.", NS2 | 4));
    let nameless = pb::CacheDirectiveInfoProto { id: None, ..info(0, "/data/a") };
    assert_eq!(invalid(site.modify(nameless).await), "Must supply an ID.");
    assert!(site.namenodes.iter().all(|one| one.calls("removeCacheDirective").len() <= 3));

    // What clients can't be told.
    site.namenodes[1].answer("addCacheDirective", pb::AddCacheDirectiveResponseProto { id: 1 << 32 });
    let beyond = site.add("/data/hot/more").await.unwrap_err();
    assert!(beyond.class == class::IO && beyond.message.contains("the id 4294967296 is beyond"), "{beyond}");
}

#[tokio::test]
async fn what_is_of_a_disabled_subcluster_is_not_said_to_be_gone() {
    let site = site(&[(1, "/x")], &[(1, "/hot/b")]).await;
    for fake in &site.namenodes {
        fake.answer("getFileInfo", pb::GetFileInfoResponseProto { fs: Some(directory("", "there")) });
    }
    wait_owner(&site.client, "/data/hot", "there").await;
    site.store.put(DisabledNameservice::since("ns2", 1).unwrap(), Version::ABSENT).await.unwrap();
    wait_owner(&site.client, "/data/hot/x", class::NO_LOCATION).await;
    let id = NS2 | 1;
    let refused = [
        site.remove(id).await.map(drop).unwrap_err(),
        site.modify(pb::CacheDirectiveInfoProto { path: None, ..info(id, "") }).await.unwrap_err(),
        site.page(0, Some(id), None).await.map(drop).unwrap_err(),
    ];
    let words =
        format!("Cannot find locations for the directive with ID {id}, because its nameservice ns2 is disabled");
    for exception in refused {
        assert_eq!((&*exception.class, exception.first_line()), (class::NO_LOCATION, &*words));
    }
    assert_eq!(site.all(None).await, owned(&[(1, "/x")]));
    site.remove(1).await.unwrap();
    assert_eq!(site.left(), [vec![], vec![1]]);
}

#[tokio::test]
async fn pools_are_those_of_all_subclusters() {
    let site = site(&[], &[]).await;
    let pools = |names: &[&str], owner: &str| pb::ListCachePoolsResponseProto {
        entries: names
            .iter()
            .map(|name| pb::CachePoolEntryProto {
                info: pb::CachePoolInfoProto {
                    pool_name: Some((*name).into()),
                    owner_name: Some(owner.into()),
                    ..Default::default()
                },
                stats: Default::default(),
            })
            .collect(),
        has_more: false,
    };
    site.namenodes[0].answer("listCachePools", pools(&["b", "d"], "one"));
    site.namenodes[1].answer("listCachePools", pools(&["a", "b"], "two"));
    let request = pb::ListCachePoolsRequestProto { prev_pool_name: String::new() };
    let page: pb::ListCachePoolsResponseProto = site.client.call("listCachePools", request).await.unwrap();
    let of = |entry: &pb::CachePoolEntryProto| format!("{}:{}", entry.info.pool_name(), entry.info.owner_name());
    assert_eq!(page.entries.iter().map(of).collect::<Vec<_>>(), ["a:two", "b:one", "d:one"]);
    assert!(!page.has_more);
}
