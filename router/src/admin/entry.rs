//! What a request says of an entry, checked as the Java router checks it.

use anabranch_federation::{MountEntry, Order};
use anabranch_hdfs_proto::hdfs::{MountTableRecordProto, QuotaUsageProto};
use anabranch_store::{DecodeError, mount_from_proto};

use super::problem::Problem;
use crate::config::RouterConfig;

/// The entry of a message. What is wrong is told in the Java router's words, with the entry as it writes it.
pub(super) fn read(message: &MountTableRecordProto, config: &RouterConfig) -> Result<MountEntry, Problem> {
    let limit = config.admin.max_component_length;
    if let Some(path) = message.destinations.iter().map(|to| to.path()).find(|path| longest(path, limit).is_some()) {
        let component = longest(path, limit).unwrap_or_default().to_owned();
        let length = letters(&component);
        return Err(Problem::ComponentTooLong { component, path: path.to_owned(), limit, length });
    }
    for (date, name) in [(message.date_created(), "creation"), (message.date_modified(), "modification")] {
        if i64::try_from(date).is_ok_and(|date| date == 0) || i64::try_from(date).is_err() {
            return Err(Problem::Invalid(format!("The {name} time for the record cannot be negative.")));
        }
    }
    mount_from_proto(message).map_err(|error| {
        Problem::Invalid(match error {
            DecodeError::Entry(error) => format!("{} {}", error.problem, shown(message, config)),
            other => other.to_string(),
        })
    })
}

/// The first component that is longer than allowed, in the letters that Java counts.
fn longest(path: &str, limit: usize) -> Option<&str> {
    path.split('/').find(|component| limit > 0 && letters(component) > limit)
}

fn letters(text: &str) -> usize {
    text.encode_utf16().count()
}

/// The one-line form of an entry that may be invalid.
fn shown(message: &MountTableRecordProto, config: &RouterConfig) -> String {
    let to: Vec<String> =
        message.destinations.iter().map(|to| format!("{}->{}", to.nameservice_id(), to.path())).collect();
    let mut text = format!("{}->[{}]", message.src_path(), to.join(", "));
    let order = usize::try_from(message.dest_order.unwrap_or_default()).ok().and_then(|at| {
        let numbered = [Order::Hash, Order::Local, Order::Random, Order::HashAll, Order::Space];
        numbered.get(at).copied()
    });
    if let Some(order) = order.filter(|_| to.len() > 1) {
        text += &format!("[{order}]");
    }
    for (set, mark) in [(message.read_only(), "[RO]"), (message.fault_tolerant(), "[FT]")] {
        text += if set { mark } else { "" };
    }
    let owner = message.owner_name.as_deref().unwrap_or(&config.superuser);
    let group = message.group_name.as_deref().unwrap_or(&config.supergroup);
    let mode = message.mode.and_then(|mode| u16::try_from(mode).ok()).unwrap_or(MountEntry::DEFAULT_MODE);
    let quota = message.quota.as_ref().map_or_else(|| "NsQuota: -/-, SsQuota: -/-".to_owned(), shown_quota);
    text + &format!("[owner:{owner}][group:{group}][mode:{}][quota:[{quota}]]", Letters(mode))
}

fn shown_quota(quota: &QuotaUsageProto) -> String {
    let of = |limit: u64, used: u64| match i64::try_from(limit) {
        Ok(limit) => format!("{limit}/{used}"),
        Err(_) => "-/-".to_owned(),
    };
    let (files, space) = (of(quota.quota, quota.file_and_directory_count), of(quota.space_quota, quota.space_consumed));
    format!("NsQuota: {files}, SsQuota: {space}")
}

/// Shows `0o755` as `rwxr-xr-x`, and a sticky bit as `t`.
struct Letters(u16);

impl std::fmt::Display for Letters {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let set = |bits: u16| self.0 & bits != 0;
        (0..8).try_for_each(|bit| f.write_str(if set(0o400 >> bit) { ["r", "w", "x"][bit % 3] } else { "-" }))?;
        f.write_str(match (set(0o1000), set(1)) {
            (true, true) => "t",
            (true, false) => "T",
            (false, true) => "x",
            (false, false) => "-",
        })
    }
}

#[cfg(test)]
mod tests {
    use anabranch_hdfs_proto::hdfs::RemoteLocationProto;

    use super::*;

    fn message(source: &str, destinations: &[(&str, &str)]) -> MountTableRecordProto {
        let destination = |(nameservice, path): &(&str, &str)| RemoteLocationProto {
            nameservice_id: Some(nameservice.to_string()),
            path: Some(path.to_string()),
        };
        MountTableRecordProto {
            src_path: Some(source.into()),
            destinations: destinations.iter().map(destination).collect(),
            date_created: Some(1),
            date_modified: Some(1),
            ..Default::default()
        }
    }

    fn refusal(message: &MountTableRecordProto, longest: usize) -> String {
        let mut config = RouterConfig { superuser: "root".into(), ..RouterConfig::default() };
        config.admin.max_component_length = longest;
        read(message, &config).unwrap_err().to_string()
    }

    #[test]
    fn mistakes_are_told_as_the_java_router_tells_them() {
        let rest = "[owner:root][group:supergroup][mode:rwxr-xr-x][quota:[NsQuota: -/-, SsQuota: -/-]]";
        let fault_tolerant = |message| MountTableRecordProto { fault_tolerant: Some(true), ..message };
        let two = &[("ns0", "/a"), ("ns1", "/b")];
        let rows = [
            (message("", &[("ns0", "/a")]), "Invalid entry, no source path specified ->[ns0->/a]"),
            (message("m", &[("ns0", "/a")]), "Invalid entry, all mount points must start with / m->[ns0->/a]"),
            (message("/m", &[]), "Invalid entry, no destination paths specified /m->[]"),
            (message("/m", &[("", "/a")]), "Invalid entry, invalid destination nameservice /m->[->/a]"),
            (message("/m", &[("ns0", "")]), "Invalid entry, invalid destination path /m->[ns0->]"),
            (message("/m", &[("ns0", "a")]), "Invalid entry, all destination must start with / /m->[ns0->a]"),
            (
                fault_tolerant(message("/m", &[("ns0", "/a")])),
                "Invalid entry, fault tolerance requires multiple destinations /m->[ns0->/a][FT]",
            ),
            (
                fault_tolerant(message("/m", two)),
                "Invalid entry, fault tolerance only supported for ALL order /m->[ns0->/a, ns1->/b][HASH][FT]",
            ),
        ];
        for (message, expected) in rows {
            assert_eq!(refusal(&message, 0), format!("{expected}{rest}"));
        }
        let quota =
            QuotaUsageProto { quota: 10, file_and_directory_count: 2, space_quota: u64::MAX, ..Default::default() };
        let all = MountTableRecordProto {
            owner_name: Some("ann".into()),
            group_name: Some("staff".into()),
            mode: Some(0o1754),
            read_only: Some(true),
            quota: Some(quota),
            ..message("/m", &[])
        };
        let expected = "Invalid entry, no destination paths specified /m->[][RO][owner:ann][group:staff][mode:rwxr-xr-T]\
                        [quota:[NsQuota: 10/2, SsQuota: -/-]]";
        assert_eq!(refusal(&all, 0), expected);
        let undated = MountTableRecordProto { date_created: None, ..message("/m", two) };
        assert_eq!(refusal(&undated, 0), "The creation time for the record cannot be negative.");
        let undated = MountTableRecordProto { date_modified: Some(u64::MAX), ..message("/m", two) };
        assert_eq!(refusal(&undated, 0), "The modification time for the record cannot be negative.");
    }

    #[test]
    fn long_components_are_refused() {
        let message = message("/a-long-source", &[("ns0", "/ok"), ("ns1", "/ok/toolong")]);
        let expected =
            "The maximum path component name limit of toolong in directory /ok/toolong is exceeded: limit=6 length=7";
        assert_eq!(refusal(&message, 6), expected);
        assert!(read(&message, &RouterConfig::default()).is_ok());
    }
}
