//! What goes wrong on the block side, and what clients say that isn't so.

use super::*;

/// A block side that can neither delete nor close some replicas.
struct Stuck(FakeBlocks, Vec<u64>);

impl Blocks for Stuck {
    fn replica(&self, id: u64) -> BoxFuture<'_, Result<Option<Replica>, BlockError>> {
        self.0.replica(id)
    }

    fn recover(&self, block: BlockId, generation: u64, cut: Option<u64>) -> BoxFuture<'_, Result<u64, BlockError>> {
        match self.1.contains(&block.id) {
            true => Box::pin(std::future::ready(Err(BlockError::Busy { id: block.id, waited_ms: 1 }))),
            false => self.0.recover(block, generation, cut),
        }
    }

    fn delete(&self, blocks: Vec<BlockId>) -> BoxFuture<'_, Result<(), BlockError>> {
        match blocks.iter().find(|block| self.1.contains(&block.id)) {
            Some(block) => Box::pin(std::future::ready(Err(BlockError::Busy { id: block.id, waited_ms: 1 }))),
            None => self.0.delete(blocks),
        }
    }

    fn list(&self) -> BoxFuture<'_, Result<Vec<BlockId>, BlockError>> {
        self.0.list()
    }

    fn capacity(&self) -> Result<Capacity, BlockError> {
        self.0.capacity()
    }
}

#[tokio::test]
async fn a_replica_that_cannot_be_deleted_holds_up_nothing_else() {
    let mut rig = rig().await;
    let mut blocks = Vec::new();
    for path in ["/a", "/b", "/c"] {
        let root = rig.user("root").await;
        root.create(path, "h").await.unwrap();
        let block = root.add_block(path, "h").await;
        rig.blocks.write(&block, 1, true);
        blocks.push(block.block_id);
    }
    rig.upkeep.closer.blocks = Arc::new(Stuck(rig.blocks.clone(), vec![blocks[0]]));
    let root = rig.user("root").await;
    for path in ["/a", "/b"] {
        let request = DeleteRequestProto { src: path.into(), recursive: true };
        assert!(root.call::<DeleteResponseProto>("delete", &request).await.unwrap().result);
    }
    rig.clock.0.fetch_add(1_200_001, Ordering::AcqRel);
    for _ in 0..2 {
        assert!(rig.upkeep.round().await.is_err(), "it is told");
    }
    let mut left: Vec<_> = rig.blocks.0.lock().keys().copied().collect();
    left.sort_unstable();
    assert_eq!(left, [blocks[0], blocks[2]], "the other one is deleted");
    let garbage: Vec<_> = rig.journal.snapshot().scan(tables::GARBAGE, &[], None).map(|row| row.unwrap().0).collect();
    assert_eq!(garbage, [Box::from(tables::number(blocks[0]))], "and forgotten");
    assert!(rig.journal.snapshot().scan(tables::EXPIRIES, &[], None).next().is_none(), "answers are forgotten");
    let closed = IsFileClosedRequestProto { src: "/c".into() };
    assert!(
        root.call::<IsFileClosedResponseProto>("isFileClosed", &closed).await.unwrap().result,
        "the writer is dead"
    );
}

#[tokio::test]
async fn the_next_block_waits_until_the_last_one_is_as_its_writer_says() {
    let rig = rig().await;
    let root = rig.user("root").await;
    root.create("/f", "h").await.unwrap();
    let block = root.add_block("/f", "h").await;
    let next = |length| AddBlockRequestProto {
        src: "/f".into(),
        client_name: "h".into(),
        previous: Some(ExtendedBlockProto { num_bytes: Some(length), ..block.clone() }),
        ..Default::default()
    };
    rig.blocks.write(&block, 100, false);
    let early = root.call::<AddBlockResponseProto>("addBlock", &next(100)).await.unwrap_err();
    assert_eq!(early.class, class::NOT_REPLICATED_YET, "clients try again: {early}");
    rig.blocks.write(&block, 100, true);
    for wrong in [99, 101, u64::MAX] {
        assert!(root.call::<AddBlockResponseProto>("addBlock", &next(wrong)).await.is_err(), "{wrong}");
    }
    let added: AddBlockResponseProto = root.call("addBlock", &next(100)).await.unwrap();
    let again: AddBlockResponseProto = root.call("addBlock", &next(100)).await.unwrap();
    assert_eq!((added.block.offset, &again.block.b), (100, &added.block.b));
    assert_eq!(audit(&rig.journal.snapshot()).unwrap(), Vec::<String>::new());
}

#[tokio::test]
async fn lengths_that_no_file_has_are_refused() {
    let rig = rig().await;
    let root = rig.user("root").await;
    root.create("/f", "h").await.unwrap();
    let block = root.add_block("/f", "h").await;
    rig.blocks.write(&block, 10, true);
    assert!(root.complete("/f", "h", ExtendedBlockProto { num_bytes: Some(10), ..block.clone() }).await);
    let append = AppendRequestProto { src: "/f".into(), client_name: "h".into(), flag: Some(4) };
    let last = root.call::<AppendResponseProto>("append", &append).await.unwrap().block.unwrap().b;
    let request = AddBlockRequestProto {
        previous: Some(last.clone()),
        src: "/f".into(),
        client_name: "h".into(),
        ..Default::default()
    };
    let second = root.call::<AddBlockResponseProto>("addBlock", &request).await.unwrap().block.b;
    let update = UpdatePipelineRequestProto {
        client_name: "h".into(),
        old_block: second.clone(),
        new_block: ExtendedBlockProto {
            generation_stamp: second.generation_stamp + 10,
            num_bytes: Some(u64::MAX),
            ..second
        },
        ..Default::default()
    };
    assert!(root.call::<UpdatePipelineResponseProto>("updatePipeline", &update).await.is_err());
    assert_eq!(root.info("/f").await.unwrap().length, 10);
}

#[tokio::test]
async fn metrics_tell_what_is_there_after_a_restart() {
    let rig = rig().await;
    let root = rig.user("root").await;
    root.create("/f", "h").await.unwrap();
    root.add_block("/f", "h").await;
    let registry = prometheus::Registry::new();
    let config = NamespaceConfig::local(rig._dir.path(), "ns", "root");
    let _again = Base::open(&config, rig.journal.clone(), rig.clock.clone(), &registry).await.unwrap();
    let value = |name: &str| {
        let found = registry.gather().into_iter().find(|family| family.name() == name).unwrap();
        found.get_metric()[0].get_gauge().get_value()
    };
    assert_eq!((value("anabranch_namespace_inodes"), value("anabranch_namespace_blocks")), (2.0, 1.0));
}

#[tokio::test]
async fn a_summary_of_absurd_sizes_is_an_answer() {
    let rig = rig().await;
    let root = rig.user("root").await;
    let request = CreateRequestProto {
        src: "/f".into(),
        masked: FsPermissionProto { perm: 0o644 },
        client_name: "h".into(),
        create_flag: 1,
        create_parent: true,
        replication: 512,
        block_size: i64::MAX as u64,
        ..Default::default()
    };
    root.call::<CreateResponseProto>("create", &request).await.unwrap();
    root.add_block("/f", "h").await;
    let summary = GetContentSummaryRequestProto { path: "/".into() };
    assert_eq!(
        root.call::<GetContentSummaryResponseProto>("getContentSummary", &summary).await.unwrap().summary.file_count,
        1
    );
}

#[tokio::test]
async fn a_writer_is_told_of_one_copy_whatever_it_asked_for() {
    let rig = rig().await;
    let root = rig.user("root").await;
    let request = CreateRequestProto {
        src: "/f".into(),
        masked: FsPermissionProto { perm: 0o644 },
        client_name: "h".into(),
        create_flag: 1,
        create_parent: true,
        replication: 3,
        block_size: 100,
        ..Default::default()
    };
    let created = root.call::<CreateResponseProto>("create", &request).await.unwrap().fs.unwrap();
    assert_eq!(created.block_replication, Some(1));
    let close = CompleteRequestProto { src: "/f".into(), client_name: "h".into(), last: None, file_id: None };
    assert!(root.call::<CompleteResponseProto>("complete", &close).await.unwrap().result);
    let append = AppendRequestProto { src: "/f".into(), client_name: "h".into(), flag: Some(4) };
    let appended = root.call::<AppendResponseProto>("append", &append).await.unwrap().stat.unwrap();
    assert_eq!(appended.block_replication, Some(1));
    assert_eq!(root.info("/f").await.unwrap().block_replication, Some(3), "others see what was asked for");
}

#[tokio::test]
async fn an_operation_that_panics_leaves_the_writer_at_work() {
    let rig = rig().await;
    let root = rig.user("root").await;
    let failed = rig.upkeep.closer.writer.submit(|txn| {
        txn.orphan(1);
        assert!(txn.limits.name_bytes == 0, "a defect");
        Ok(())
    });
    assert!(failed.await.is_err());
    root.mkdirs("/d").await.unwrap();
    assert!(rig.journal.snapshot().scan(tables::ORPHANS, &[], None).next().is_none(), "nothing of it is left");
    assert_eq!(audit(&rig.journal.snapshot()).unwrap(), Vec::<String>::new());
}

#[tokio::test]
async fn files_that_cannot_be_closed_keep_no_others_open() {
    let mut rig = rig().await;
    let mut stuck = Vec::new();
    for n in 0..=100 {
        let (root, path) = (rig.user("root").await, format!("/{n}"));
        root.create(&path, "h").await.unwrap();
        let block = root.add_block(&path, "h").await;
        rig.blocks.write(&block, 1, false);
        stuck.push(block.block_id);
    }
    stuck.pop();
    rig.upkeep.closer.blocks = Arc::new(Stuck(rig.blocks.clone(), stuck));
    rig.clock.0.fetch_add(1_200_001, Ordering::AcqRel);
    rig.upkeep.round().await.unwrap();
    rig.upkeep.round().await.unwrap();
    let closed = IsFileClosedRequestProto { src: "/100".into() };
    let root = rig.user("root").await;
    assert!(root.call::<IsFileClosedResponseProto>("isFileClosed", &closed).await.unwrap().result);
}

#[tokio::test]
async fn recoveries_at_the_same_time_do_not_fence_each_other_off() {
    let rig = rig().await;
    let (root, other) = (rig.user("root").await, rig.user("root").await);
    root.create("/f", "h").await.unwrap();
    let block = root.add_block("/f", "h").await;
    rig.blocks.write(&block, 7, false);
    rig.clock.0.fetch_add(1_200_001, Ordering::AcqRel);
    let request = RecoverLeaseRequestProto { src: "/f".into(), client_name: "r".into() };
    let (one, two, upkeep) = tokio::join!(
        root.call::<RecoverLeaseResponseProto>("recoverLease", &request),
        other.call::<RecoverLeaseResponseProto>("recoverLease", &request),
        rig.upkeep.round(),
    );
    upkeep.unwrap();
    assert!(one.unwrap().result && two.unwrap().result);
    assert_eq!(root.info("/f").await.unwrap().length, 7);
}

#[tokio::test]
async fn nothing_changes_in_safe_mode_and_writers_outlive_it() {
    let rig = rig().await;
    let root = rig.user("root").await;
    root.create("/open", "h").await.unwrap();
    root.mkdirs("/d").await.unwrap();
    let delete = DeleteRequestProto { src: "/d".into(), recursive: true };
    root.call::<DeleteResponseProto>("delete", &delete).await.unwrap();
    let set = |action: SafeModeActionProto| SetSafeModeRequestProto { action: action.into(), checked: None };
    let enter = set(SafeModeActionProto::SafemodeEnter);
    root.call::<SetSafeModeResponseProto>("setSafeMode", &enter).await.unwrap();
    rig.clock.0.fetch_add(1_200_001, Ordering::AcqRel);
    let revision = rig.journal.revision();
    rig.upkeep.round().await.unwrap();
    assert_eq!(rig.journal.revision(), revision);
    let leave = set(SafeModeActionProto::SafemodeLeave);
    root.call::<SetSafeModeResponseProto>("setSafeMode", &leave).await.unwrap();
    rig.upkeep.round().await.unwrap();
    let closed = IsFileClosedRequestProto { src: "/open".into() };
    let is_closed = root.call::<IsFileClosedResponseProto>("isFileClosed", &closed).await.unwrap().result;
    assert!(!is_closed, "its writer could not renew its lease");
    assert!(rig.journal.snapshot().scan(tables::ORPHANS, &[], None).next().is_none());
}
