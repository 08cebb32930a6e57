use md5::{Digest, Md5};

use crate::NameserviceId;

const POINTS_PER_NAMESERVICE: usize = 100;

type Position = [u8; 16];

/// A consistent-hash ring over a set of nameservices, as Hadoop's router builds it: each nameservice has 100 points, at
/// the MD5 of `<nameservice>/<0…99>`; a key belongs to the point at its own MD5 or else the next above, wrapping around.
/// Hadoop compares the sums in hexadecimal, which orders them as their bytes do.
#[derive(Debug)]
pub(crate) struct Ring {
    points: Vec<(Position, u32)>,
    nameservices: Box<[NameserviceId]>,
}

impl Ring {
    /// The ring of these nameservices, in any order, each once.
    pub(crate) fn new(nameservices: &[NameserviceId]) -> Self {
        let mut points = Vec::with_capacity(nameservices.len() * POINTS_PER_NAMESERVICE);
        for (index, nameservice) in (0u32..).zip(nameservices) {
            points.extend((0..POINTS_PER_NAMESERVICE).map(|i| (position(&format!("{nameservice}/{i}")), index)));
        }
        points.sort_unstable();
        Self { points, nameservices: nameservices.into() }
    }

    /// The nameservice that a key belongs to; `None` if the ring is empty.
    pub(crate) fn owner(&self, key: &str) -> Option<&NameserviceId> {
        let at = position(key);
        let next = self.points.partition_point(|(point, _)| *point < at);
        let (_, index) = self.points.get(next).or(self.points.first())?;
        self.nameservices.get(*index as usize)
    }
}

fn position(label: &str) -> Position {
    Md5::digest(label.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_are_where_hadoop_puts_them() {
        assert_eq!(position("ns0/0"), 0x33fe_a0fc_8462_1070_0d0d_6883_8310_ffbb_u128.to_be_bytes());
    }

    #[test]
    fn the_order_of_the_set_does_not_matter() {
        let ids = ["ns0", "ns1", "ns2"].map(|id| NameserviceId::parse(id).unwrap());
        let (there, back) = (Ring::new(&ids), Ring::new(&[ids[2].clone(), ids[1].clone(), ids[0].clone()]));
        for key in (0..500).map(|i| format!("/k{i}")) {
            assert_eq!(there.owner(&key), back.owner(&key));
        }
        assert_eq!(Ring::new(&[]).owner("/"), None);
    }
}
