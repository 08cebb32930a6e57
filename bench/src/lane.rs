//! A lane: a closed loop that has one call under way at a time.

use crate::op::{Op, Step, Subject};

/// Where a lane is after an answer.
#[derive(Debug, PartialEq, Eq)]
pub enum Progress {
    /// The operation, or what must come before it, needs another call.
    More,
    /// What had to come before the first operation is over.
    Ready,
    /// An operation is over.
    Done,
    /// An operation failed: the Java class of the exception, or what is wrong with the answer.
    Failed(String),
}

/// One closed loop over one operation.
pub struct Lane {
    op: &'static Op,
    base: String,
    path: String,
    other: String,
    /// Whether the calls of the setup are over.
    ready: bool,
    /// The call under way, among those of the setup or of the operation.
    step: usize,
    serial: u64,
    /// Length of the first answer to an operation's last call.
    first: Option<usize>,
}

impl Lane {
    /// `base` is the path itself, or what new names begin with; those must be this lane's own.
    pub fn new(op: &'static Op, base: String) -> Self {
        let (path, other) = (String::new(), String::new());
        let mut lane = Self { op, base, path, other, ready: op.setup.is_empty(), step: 0, serial: 0, first: None };
        lane.name();
        lane
    }

    /// Writes the next request to `body` and returns its method.
    pub fn request(&self, body: &mut Vec<u8>) -> &'static str {
        let step = &self.script()[self.step];
        body.clear();
        (step.request)(body, &self.path, &self.other);
        step.method
    }

    /// Takes the answer to the last request.
    pub fn answer(&mut self, result: Result<&[u8], &str>) -> Progress {
        let answer = self.script()[self.step].answer;
        let fault = match result {
            Ok(body) => answer.fault(body, *self.first.get_or_insert(body.len())),
            Err(class) => Some(class),
        };
        if let Some(fault) = fault {
            self.next();
            return Progress::Failed(fault.to_owned());
        }
        self.step += 1;
        if self.step < self.script().len() {
            return Progress::More;
        }
        if !self.ready {
            (self.ready, self.step, self.first) = (true, 0, None);
            return Progress::Ready;
        }
        self.next();
        Progress::Done
    }

    fn script(&self) -> &'static [Step] {
        if self.ready { self.op.steps } else { self.op.setup }
    }

    fn next(&mut self) {
        self.step = 0;
        self.serial += 1;
        self.name();
    }

    fn name(&mut self) {
        match self.op.subject {
            Subject::File | Subject::Directory if self.path.is_empty() => self.path.clone_from(&self.base),
            Subject::File | Subject::Directory => {}
            Subject::Fresh => self.path = format!("{}{}", self.base, self.serial),
            Subject::Swap => {
                let side = self.serial % 2;
                self.path = format!("{}{side}", self.base);
                self.other = format!("{}{}", self.base, 1 - side);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::op::named;
    use crate::protobuf::{Value, find};

    fn lane(op: &str) -> Lane {
        Lane::new(named(op).unwrap(), "/d/n".to_owned())
    }

    fn next(lane: &Lane) -> (&'static str, String) {
        let mut body = Vec::new();
        let method = lane.request(&mut body);
        let Some(Value::Bytes(path)) = find(&body, 1) else { panic!("no path") };
        (method, String::from_utf8_lossy(path).into_owned())
    }

    #[test]
    fn a_creation_is_two_calls_on_a_new_name() {
        let mut lane = lane("create");
        for name in ["/d/n0", "/d/n1"] {
            assert_eq!(next(&lane), ("create", name.to_owned()));
            assert_eq!(lane.answer(Ok(b"")), Progress::More);
            assert_eq!(next(&lane), ("complete", name.to_owned()));
            assert_eq!(lane.answer(Ok(&[8, 1])), Progress::Done);
        }
    }

    #[test]
    fn a_failed_creation_goes_on_with_another_name() {
        let mut lane = lane("create");
        lane.answer(Ok(b""));
        assert_eq!(lane.answer(Ok(&[8, 0])), Progress::Failed("an answer that is not true".to_owned()));
        assert_eq!(next(&lane), ("create", "/d/n1".to_owned()));
        assert_eq!(lane.answer(Err("java.io.IOException")), Progress::Failed("java.io.IOException".to_owned()));
        assert_eq!(next(&lane), ("create", "/d/n2".to_owned()));
    }

    #[test]
    fn a_file_exists_before_it_is_renamed_to_and_fro() {
        let mut lane = lane("rename");
        assert_eq!(next(&lane), ("create", "/d/n0".to_owned()));
        lane.answer(Ok(b""));
        assert_eq!(lane.answer(Ok(&[8, 1])), Progress::Ready);
        for name in ["/d/n0", "/d/n1", "/d/n0"] {
            assert_eq!(next(&lane), ("rename", name.to_owned()));
            assert_eq!(lane.answer(Ok(&[8, 1])), Progress::Done);
        }
    }

    #[test]
    fn a_listing_that_shrinks_is_an_error() {
        let mut lane = lane("list");
        assert_eq!(lane.answer(Ok(&[0x0a, 2, 8, 1])), Progress::Done);
        assert!(matches!(lane.answer(Ok(&[0x0a, 0])), Progress::Failed(_)));
    }
}
