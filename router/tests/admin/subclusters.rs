//! Subclusters: which has a path, and which are out of service.

use anabranch_hdfs_proto::hdfs as pb;
use anabranch_hrpc::{Exception, class};

use crate::forwarding;
use crate::rig::{Administrator, Rig, Trouble, entry};

async fn destination(admin: &Administrator, path: &str) -> Result<Vec<String>, Exception> {
    let request = pb::GetDestinationRequestProto { src_path: Some(path.into()) };
    Ok(admin.call::<pb::GetDestinationResponseProto>("getDestination", request).await?.destinations)
}

#[tokio::test]
async fn a_path_is_where_its_file_is() {
    let rig = Rig::ready().await;
    let (root, ann) = (rig.admin("root").await, rig.admin("ann").await);
    let spread = pb::MountTableRecordProto { dest_order: Some(3), ..entry("/m", &[("ns0", "/a"), ("ns1", "/b")]) };
    assert_eq!(root.add(spread).await, Ok(true));
    let mut both = destination(&ann, "/m/f").await.unwrap();
    both.sort();
    assert_eq!(both, ["ns0", "ns1"]);
    let asked = rig.namenodes[1].calls("getFileInfo").remove(0);
    let path = asked.decode::<pb::GetFileInfoRequestProto>().unwrap().src;
    assert_eq!((&*asked.peer.identity.user, path.as_str()), ("ann", "/b/f"));
    rig.namenodes[0].answer("getFileInfo", forwarding::info(None));
    assert_eq!(destination(&ann, "/m/f").await.unwrap(), ["ns1"]);
    rig.namenodes[1].throw("getFileInfo", class::ACCESS_CONTROL, "no");
    assert_eq!(destination(&ann, "/m/f").await.unwrap().len(), 1, "where it would be made");
    assert_eq!(destination(&ann, "/elsewhere//f/").await.unwrap(), ["ns0"]);
}

#[tokio::test]
async fn subclusters_are_taken_out_of_service_once() {
    let rig = Rig::ready().await;
    let (root, ann) = (rig.admin("root").await, rig.admin("ann").await);
    let name = |name: &str| Some(name.to_owned());
    let disable = async |admin: &Administrator, id: &str| {
        let request = pb::DisableNameserviceRequestProto { name_service_id: name(id) };
        admin.call::<pb::DisableNameserviceResponseProto>("disableNameservice", request).await.map(|done| done.status())
    };
    let enable = async |admin: &Administrator, id: &str| {
        let request = pb::EnableNameserviceRequestProto { name_service_id: name(id) };
        admin.call::<pb::EnableNameserviceResponseProto>("enableNameservice", request).await.map(|done| done.status())
    };
    let disabled = async || {
        let request = pb::GetDisabledNameservicesRequestProto {};
        let answer = ann.call::<pb::GetDisabledNameservicesResponseProto>("getDisabledNameservices", request).await;
        answer.unwrap().name_service_ids
    };
    assert_eq!(disable(&ann, "ns1").await.unwrap_err().message, "ann is not a super user");
    assert_eq!(enable(&ann, "ns1").await.unwrap_err().message, "ann is not a super user");
    assert_eq!(disable(&root, "ns9").await, Ok(false));
    assert_eq!(disable(&root, "").await, Ok(false));
    assert_eq!(disable(&root, "ns1").await, Ok(true));
    assert_eq!(disable(&root, "ns1").await, Ok(false));
    assert_eq!(disable(&root, "ns0").await, Ok(true));
    assert_eq!(disabled().await, ["ns0", "ns1"]);
    assert_eq!((enable(&root, "ns1").await, enable(&root, "ns1").await), (Ok(true), Ok(false)));
    assert_eq!(disabled().await, ["ns0"]);
    rig.store.disturb(Trouble::Unsure);
    let unsure = enable(&root, "ns0").await.unwrap_err();
    assert!(unsure.is(class::STATE_STORE_UNAVAILABLE), "{unsure}");
    assert_eq!(disabled().await, Vec::<String>::new());
}
