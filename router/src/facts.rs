//! What a call says of itself, as far as routing needs it.

use std::borrow::Cow;

use anabranch_federation::normalise;
use anabranch_hrpc::wire::Malformed;
use smallvec::SmallVec;

use crate::method::{Route, Row};
use crate::plan::Refusal;
use crate::rewrite::{find, find_all};

/// The paths of a call, normalised, in the order of the row's path fields; several for a repeated field.
pub type Paths<'a> = SmallVec<[Cow<'a, str>; 2]>;

/// Reads the path fields of a parameter message. Cache directives may have none, and lists that are of all mounts then.
pub fn paths<'a>(row: &Row, message: &'a [u8]) -> Result<Paths<'a>, Refusal> {
    let unreadable = |malformed: Malformed| Refusal::Unreadable(malformed.to_string());
    let mut paths = Paths::new();
    for (at, place) in row.paths.iter().enumerate() {
        if matches!(row.route, Route::Concat) && at > 0 {
            for value in find_all(message, place[0]).map_err(unreadable)? {
                paths.push(path(value)?);
            }
            continue;
        }
        match find(message, place).map_err(unreadable)? {
            Some(value) => paths.push(path(value)?),
            None if matches!(row.route, Route::Directive(_) | Route::Numbered) => {}
            None => return Err(Refusal::Missing { field: if at == 0 { "src" } else { "dst" } }),
        }
    }
    Ok(paths)
}

fn path(value: &[u8]) -> Result<Cow<'_, str>, Refusal> {
    std::str::from_utf8(value)
        .map(normalise)
        .map_err(|_| Refusal::Unreadable("Protocol message contained an invalid UTF-8 string".to_owned()))
}

#[cfg(test)]
mod tests {
    use anabranch_hdfs_proto::hdfs::{ConcatRequestProto, GetFileInfoRequestProto, ListCacheDirectivesRequestProto};
    use prost::Message;

    use super::*;
    use crate::method;

    fn read(method: &str, message: &[u8]) -> Result<Vec<String>, Refusal> {
        let (_, row) = method::find(method).unwrap();
        Ok(paths(row, message)?.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn paths_are_read_and_normalised() {
        let message = GetFileInfoRequestProto { src: "//a/b/".into() }.encode_to_vec();
        assert_eq!(read("getFileInfo", &message).unwrap(), ["/a/b"]);
        let message = ConcatRequestProto { trg: "/t".into(), srcs: vec!["/a".into(), "/b".into()] }.encode_to_vec();
        assert_eq!(read("concat", &message).unwrap(), ["/t", "/a", "/b"]);
    }

    #[test]
    fn the_last_of_two_values_counts() {
        let mut message = GetFileInfoRequestProto { src: "/first".into() }.encode_to_vec();
        message.extend(GetFileInfoRequestProto { src: "/last".into() }.encode_to_vec());
        assert_eq!(read("getFileInfo", &message).unwrap(), ["/last"]);
    }

    /// A frame holds millions of empty strings, and each path takes many times the memory of one.
    #[test]
    fn more_paths_than_anybody_has_are_refused() {
        let concat = |count| ConcatRequestProto { trg: "/t".into(), srcs: vec!["/a".into(); count] }.encode_to_vec();
        assert_eq!(read("concat", &concat(50_000)).unwrap().len(), 50_001);
        assert!(matches!(read("concat", &concat(2_000_000)), Err(Refusal::Unreadable(_))));
    }

    #[test]
    fn a_path_may_be_missing_where_a_null_means_all() {
        assert_eq!(read("getFileInfo", &[]), Err(Refusal::Missing { field: "src" }));
        let message = ListCacheDirectivesRequestProto::default().encode_to_vec();
        assert_eq!(read("listCacheDirectives", &message), Ok(vec![]));
        assert_eq!(read("listOpenFiles", &[0x08, 7]), Ok(vec![]));
        assert!(matches!(read("getFileInfo", &[0x0a, 9]), Err(Refusal::Unreadable(_))));
        assert!(matches!(read("getFileInfo", &[0x0a, 1, 0xff]), Err(Refusal::Unreadable(_))));
    }
}
