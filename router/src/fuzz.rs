//! What must hold whatever bytes come: each function panics if it does not. Called by the fuzz targets in `fuzz/` and by
//! the property tests below.

use crate::merge::{self, Answer, Merge, body, listing, numbered};
use crate::method::{self, Route};
use crate::rewrite::{self, Edit, delimited, find};

const NEW: &[u8] = b"/another/path";

/// A parameter message with other paths has those paths in the places of the old ones, whatever method it belongs to.
pub fn rewrite(message: &[u8]) {
    for row in method::rows() {
        assert!(!matches!(rewrite::edit(message, row.paths, &mut |_, _| Edit::Keep), Ok(Some(_))));
        let Ok(Some(changed)) = rewrite::edit(message, row.paths, &mut |_, _| Edit::Put(NEW)) else { continue };
        for place in row.paths {
            if find(message, place) != Ok(None) {
                assert_eq!(find(body(&changed), place), Ok(Some(NEW)), "{} {place:?}", row.name);
            }
        }
    }
}

/// Answers of NameNodes, joined in every way that there is, are a message with its length in front, or malformed.
pub fn merge(reply: &[u8]) {
    let reply = delimited(reply);
    let answer = Answer { nameservice: "ns0", reply: reply.clone() };
    let answers = [answer.clone(), Answer { nameservice: "ns1", ..answer }];
    for merge in method::rows().iter().filter_map(|row| merge_of(&row.route)) {
        for some in [&answers[..1], &answers] {
            if let Ok(joined) = merge(some) {
                assert_eq!(delimited(body(&joined)), joined);
            }
        }
    }
    for within in [&[][..], &[1]] {
        if let Ok(page) = numbered::join(&answers, within, |_, id| Some(id), |_, path| Some(path.to_owned())) {
            let joined = page.reply();
            assert_eq!(delimited(body(&joined)), joined);
        }
    }
    if let Ok(joined) = merge::snapshottable(&answers, |_, path| Some(path.to_owned())) {
        assert_eq!(delimited(body(&joined)), joined);
    }
    if let (Ok(Some(first)), Ok(Some(second))) = (listing::page(&reply), listing::page(&reply)) {
        let outline = listing::outline(&[first, second], &["a", "b"], b"");
        let statuses = vec![Vec::new(); outline.children.len()];
        let joined = outline.reply(&statuses);
        assert_eq!(delimited(body(&joined)), joined);
    }
}

fn merge_of(route: &Route) -> Option<Merge> {
    match route {
        Route::Locations { merge, .. } | Route::EveryNamespace { merge, .. } => Some(*merge),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn any_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            super::rewrite(&bytes);
            super::merge(&bytes);
        }

        /// Fields with small numbers, as messages have them.
        #[test]
        fn plausible_bytes(fields in proptest::collection::vec((1_u32..6, proptest::collection::vec(any::<u8>(), 0..20)), 0..6)) {
            let mut message = bytes::BytesMut::new();
            for (number, value) in &fields {
                crate::rewrite::put_field(&mut message, *number, value);
            }
            super::rewrite(&message);
            super::merge(&message);
        }
    }
}
