//! Jute, the encoding of ZooKeeper's messages: numbers are big endian, texts and bytes have their length before them.

use super::ZooKeeperError;

/// The longest frame that is accepted: the names of a million records fit.
pub(super) const MAX_FRAME: usize = 64 << 20;

/// A message being written.
#[derive(Debug, Default)]
pub(super) struct Out(pub(super) Vec<u8>);

impl Out {
    pub(super) fn int(&mut self, value: i32) -> &mut Self {
        self.0.extend_from_slice(&value.to_be_bytes());
        self
    }

    pub(super) fn long(&mut self, value: i64) -> &mut Self {
        self.0.extend_from_slice(&value.to_be_bytes());
        self
    }

    pub(super) fn flag(&mut self, value: bool) -> &mut Self {
        self.0.push(value.into());
        self
    }

    pub(super) fn bytes(&mut self, value: &[u8]) -> &mut Self {
        // A length over i32::MAX is far over what any server accepts, and checked before.
        self.int(i32::try_from(value.len()).unwrap_or(i32::MAX));
        self.0.extend_from_slice(value);
        self
    }

    pub(super) fn text(&mut self, value: &str) -> &mut Self {
        self.bytes(value.as_bytes())
    }
}

/// A message being read.
#[derive(Debug)]
pub(super) struct In<'a>(pub(super) &'a [u8]);

impl<'a> In<'a> {
    fn take(&mut self, length: usize) -> Result<&'a [u8], ZooKeeperError> {
        let (taken, rest) = self.0.split_at_checked(length).ok_or(ZooKeeperError::Malformed)?;
        self.0 = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], ZooKeeperError> {
        self.take(N)?.try_into().map_err(|_| ZooKeeperError::Malformed)
    }

    pub(super) fn int(&mut self) -> Result<i32, ZooKeeperError> {
        Ok(i32::from_be_bytes(self.array()?))
    }

    pub(super) fn long(&mut self) -> Result<i64, ZooKeeperError> {
        Ok(i64::from_be_bytes(self.array()?))
    }

    pub(super) fn flag(&mut self) -> Result<bool, ZooKeeperError> {
        Ok(self.array::<1>()? != [0])
    }

    /// Absent bytes (length −1) are empty ones here.
    pub(super) fn bytes(&mut self) -> Result<&'a [u8], ZooKeeperError> {
        match self.int()? {
            -1 => Ok(&[]),
            length => self.take(usize::try_from(length).map_err(|_| ZooKeeperError::Malformed)?),
        }
    }

    pub(super) fn text(&mut self) -> Result<&'a str, ZooKeeperError> {
        std::str::from_utf8(self.bytes()?).map_err(|_| ZooKeeperError::Malformed)
    }

    pub(super) fn texts(&mut self) -> Result<Vec<String>, ZooKeeperError> {
        let count = self.int()?.max(0);
        // Grows as the texts are read: the count is only what the server says.
        (0..count).map(|_| Ok(self.text()?.to_owned())).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let mut out = Out::default();
        out.int(-7).long(1 << 40).flag(true).text("é").bytes(&[]).int(2).text("a").text("b");
        let mut read = In(&out.0);
        assert_eq!((read.int().unwrap(), read.long().unwrap(), read.flag().unwrap()), (-7, 1 << 40, true));
        assert_eq!((read.text().unwrap(), read.bytes().unwrap()), ("é", &[][..]));
        assert_eq!(read.texts().unwrap(), ["a", "b"]);
        assert!(matches!(read.int(), Err(ZooKeeperError::Malformed)));
    }

    #[test]
    fn lengths_are_not_believed() {
        for bytes in [&[0, 0, 0, 9, 1][..], &[0xff, 0xff, 0xff, 0xfe], &[0x7f, 0xff, 0xff, 0xff]] {
            assert!(matches!(In(bytes).bytes(), Err(ZooKeeperError::Malformed)), "{bytes:?}");
        }
        assert!(matches!(In(&[0x7f, 0xff, 0xff, 0xff]).texts(), Err(ZooKeeperError::Malformed)));
        assert!(In(&[0xff; 4]).bytes().unwrap().is_empty());
        assert!(matches!(In(&[0, 0, 0, 1, 0xff]).text(), Err(ZooKeeperError::Malformed)));
    }
}
