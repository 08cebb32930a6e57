//! The operations that are measured, as data: which calls make one up, on which paths, and what a good answer is.

use crate::protobuf::{Value, find, put_bytes, put_number};

/// Holds the leases of the files that the generator writes.
pub const CLIENT: &[u8] = b"anabranch-bench";
const BLOCK_SIZE: u64 = 128 << 20;

/// One measured operation.
#[derive(Debug)]
pub struct Op {
    /// As the command line and the table call it.
    pub name: &'static str,
    /// What it works on.
    pub subject: Subject,
    /// Calls that each lane makes once, before it is measured.
    pub setup: &'static [Step],
    /// Calls that make up one operation.
    pub steps: &'static [Step],
    /// Whether a lane goes on after its first operation.
    pub repeats: bool,
}

/// The paths of an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    /// One file that exists, with a block.
    File,
    /// One directory that exists, with a thousand files.
    Directory,
    /// A new name every time.
    Fresh,
    /// A file that goes to and fro between two names.
    Swap,
}

impl Subject {
    /// Whether the operation leaves something behind.
    pub fn writes(self) -> bool {
        matches!(self, Self::Fresh | Self::Swap)
    }
}

/// One call.
#[derive(Debug)]
pub struct Step {
    /// Method of ClientProtocol.
    pub method: &'static str,
    /// Appends the request; the second path is the other name of a [`Subject::Swap`].
    pub request: fn(&mut Vec<u8>, path: &str, other: &str),
    /// What a good answer holds.
    pub answer: Answer,
}

/// How an answer is checked without decoding it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// Anything but an exception.
    Any,
    /// The result is there: HDFS leaves it out for a path that does not exist.
    Present,
    /// The result is there, and as long as the first one was.
    Steady,
    /// The result is `true`.
    True,
}

impl Answer {
    /// What is wrong with `body`; `first` is the length of the lane's first answer.
    pub fn fault(self, body: &[u8], first: usize) -> Option<&'static str> {
        let present = || matches!(find(body, 1), Some(Value::Bytes(_)));
        match self {
            Self::Present | Self::Steady if !present() => Some("an answer without a result"),
            Self::Steady if body.len() != first => Some("an answer of another length than the first"),
            Self::True if find(body, 1) != Some(Value::Number(1)) => Some("an answer that is not true"),
            _ => None,
        }
    }
}

const STAT: Step = Step { method: "getFileInfo", request: |out, path, _| put_path(out, path), answer: Answer::Steady };

const OPEN: Step = Step {
    method: "getBlockLocations",
    request: |out, path, _| {
        put_path(out, path);
        put_number(out, 2, 0);
        put_number(out, 3, 10 * BLOCK_SIZE);
    },
    // DataNode reports in it change with the time.
    answer: Answer::Present,
};

const LIST: Step = Step {
    method: "getListing",
    request: |out, path, _| {
        put_path(out, path);
        put_bytes(out, 2, b"");
        put_number(out, 3, 0);
    },
    answer: Answer::Steady,
};

/// Makes a directory and its parents.
pub const MKDIRS: Step = Step {
    method: "mkdirs",
    request: |out, path, _| {
        put_path(out, path);
        put_permission(out, 2, 0o777);
        put_number(out, 3, 1);
    },
    answer: Answer::True,
};

/// Makes an empty file that is still being written.
pub const CREATE: Step = Step {
    method: "create",
    request: |out, path, _| {
        put_path(out, path);
        put_permission(out, 2, 0o644);
        put_bytes(out, 3, CLIENT);
        put_number(out, 4, 1); // CREATE: must not exist
        put_number(out, 5, 1); // with its parents
        put_number(out, 6, 1); // replicas
        put_number(out, 7, BLOCK_SIZE);
    },
    answer: Answer::Any,
};

const COMPLETE: Step = Step {
    method: "complete",
    request: |out, path, _| {
        put_path(out, path);
        put_bytes(out, 2, CLIENT);
    },
    answer: Answer::True,
};

/// Gives the file that is being written a block.
pub const ADD_BLOCK: Step = Step {
    method: "addBlock",
    request: |out, path, _| {
        put_path(out, path);
        put_bytes(out, 2, CLIENT);
    },
    answer: Answer::Present,
};

const RENAME: Step = Step {
    method: "rename",
    request: |out, path, other| {
        put_path(out, path);
        put_bytes(out, 2, other.as_bytes());
    },
    answer: Answer::True,
};

/// Deletes a path and what is below it.
pub const DELETE: Step = Step {
    method: "delete",
    request: |out, path, _| {
        put_path(out, path);
        put_number(out, 2, 1);
    },
    answer: Answer::True,
};

/// Every operation.
pub static OPS: [Op; 7] = [
    Op { name: "stat", subject: Subject::File, setup: &[], steps: &[STAT], repeats: true },
    Op { name: "open", subject: Subject::File, setup: &[], steps: &[OPEN], repeats: true },
    Op { name: "list", subject: Subject::Directory, setup: &[], steps: &[LIST], repeats: true },
    Op { name: "mkdirs", subject: Subject::Fresh, setup: &[], steps: &[MKDIRS], repeats: true },
    Op { name: "create", subject: Subject::Fresh, setup: &[], steps: &[CREATE, COMPLETE], repeats: true },
    Op { name: "rename", subject: Subject::Swap, setup: &[CREATE, COMPLETE], steps: &[RENAME], repeats: true },
    Op { name: "idle", subject: Subject::File, setup: &[], steps: &[STAT], repeats: false },
];

/// The operation of that name.
pub fn named(name: &str) -> Result<&'static Op, String> {
    OPS.iter().find(|op| op.name == name).ok_or_else(|| {
        let names: Vec<_> = OPS.iter().map(|op| op.name).collect();
        format!("no operation `{name}`; there are {}", names.join(", "))
    })
}

fn put_path(out: &mut Vec<u8>, path: &str) {
    put_bytes(out, 1, path.as_bytes());
}

fn put_permission(out: &mut Vec<u8>, field: u32, mode: u64) {
    let mut permission = Vec::with_capacity(4);
    put_number(&mut permission, 1, mode);
    put_bytes(out, field, &permission);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_told_apart() {
        let present = [0x0a, 2, 8, 1];
        let yes = [8, 1];
        let no = [8, 0];
        for (answer, body, first, good) in [
            (Answer::Any, &b""[..], 0, true),
            (Answer::Present, b"", 0, false),
            (Answer::Present, &present, 9, true),
            (Answer::Steady, &present, 4, true),
            (Answer::Steady, &present, 9, false),
            (Answer::Steady, b"", 0, false),
            (Answer::True, &yes, 9, true),
            (Answer::True, &no, 2, false),
            (Answer::True, b"", 0, false),
        ] {
            assert_eq!(answer.fault(body, first).is_none(), good, "{answer:?} of {body:?}");
        }
    }

    #[test]
    fn an_unknown_operation_lists_the_known() {
        assert_eq!(named("list").unwrap().steps[0].method, "getListing");
        assert!(named("ls").unwrap_err().ends_with("stat, open, list, mkdirs, create, rename, idle"));
    }
}
