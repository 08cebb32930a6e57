//! The file system at the other end.

use std::fmt;
use std::io;
use std::path::Path;
use std::time::Duration;

use hdfs_native::client::FileStatus;
use hdfs_native::{Client, ClientBuilder, HdfsError};

/// How long to wait for a server to accept a connection before saying that it is not there.
const REACH: Duration = Duration::from_secs(5);

/// A file system and its name.
pub(super) struct Remote {
    pub(super) client: Client,
}

impl Remote {
    pub(super) async fn connect(url: &str, user: Option<String>) -> Result<Self, Error> {
        reach(url).await?;
        let mut builder = ClientBuilder::new().with_url(url);
        if let Some(user) = user {
            builder = builder.with_user(user);
        }
        let client = builder.build().map_err(|error| Error::of(url, error))?;
        Ok(Self { client })
    }

    /// What is at `path`; an error when there is nothing.
    pub(super) async fn status(&self, path: &str) -> Result<FileStatus, Error> {
        self.client.get_file_info(path).await.map_err(|error| Error::of(path, error))
    }

    /// What is at `path`, if anything.
    pub(super) async fn find(&self, path: &str) -> Result<Option<FileStatus>, Error> {
        match self.client.get_file_info(path).await {
            Ok(status) => Ok(Some(status)),
            Err(HdfsError::FileNotFound(_)) => Ok(None),
            Err(error) => Err(Error::of(path, error)),
        }
    }
}

/// Finds out early, and says clearly, when nobody listens; a logical nameservice has no address to try.
async fn reach(url: &str) -> Result<(), Error> {
    let Some(address) = url.strip_prefix("hdfs://").map(|rest| rest.split('/').next().unwrap_or_default()) else {
        return Err(Error::about(url, "is not of the form hdfs://HOST:PORT or hdfs://NAMESERVICE"));
    };
    if !address.contains(':') {
        return Ok(());
    }
    let failure = match tokio::time::timeout(REACH, tokio::net::TcpStream::connect(address)).await {
        Ok(Ok(_)) => return Ok(()),
        Ok(Err(error)) => error.to_string(),
        Err(_) => format!("no answer for {} s", REACH.as_secs()),
    };
    Err(Error {
        subject: url.to_owned(),
        problem: format!("cannot be reached: {failure}"),
        advice: Some("start a federation with `anabranch local -f DIR`, or name another one with --fs"),
        closed_pipe: false,
    })
}

/// What went wrong with which path, and what to do.
#[derive(Debug)]
pub(super) struct Error {
    subject: String,
    problem: String,
    advice: Option<&'static str>,
    closed_pipe: bool,
}

/// Exceptions for which there is something to advise.
const ADVICE: &[(&str, &str)] = &[
    ("AccessControlException", "act as another user with --user NAME, or ask the owner"),
    ("SafeModeException", "the subcluster takes no writes now; try again when it has left safe mode"),
    ("StandbyException", "the router is starting, stopping or without its state store; try again"),
    ("no eligible destination in the same namespace", "copy it instead (get, then put) and delete the source"),
    ("read only mount point", "the mount is readOnly; write to another path, or change the mount"),
    ("is non empty", "delete it with -r"),
    ("NSQuotaExceeded", "the directory's quota of names is used up; delete files or raise it"),
    ("DSQuotaExceeded", "the directory's quota of space is used up; delete files or raise it"),
    ("QuotaByStorageTypeExceeded", "the directory's quota of a type of storage is used up; delete files or raise it"),
];

impl Error {
    pub(super) fn about(subject: impl Into<String>, problem: impl Into<String>) -> Self {
        Self { subject: subject.into(), problem: problem.into(), advice: None, closed_pipe: false }
    }

    pub(super) fn advise(mut self, advice: &'static str) -> Self {
        self.advice = Some(advice);
        self
    }

    /// An error of the file system about a path.
    pub(super) fn of(path: &str, error: HdfsError) -> Self {
        let problem = match &error {
            HdfsError::FileNotFound(_) => "no such file or directory".to_owned(),
            HdfsError::AlreadyExists(_) => "exists already".to_owned(),
            HdfsError::IsADirectoryError(_) => "is a directory".to_owned(),
            // Of a Java exception, the class and the first line; the rest is a stack trace.
            HdfsError::RPCError(class, message) | HdfsError::FatalRPCError(class, message) => {
                let class = class.rsplit('.').next().unwrap_or(class);
                format!("{class}: {}", message.lines().next().unwrap_or_default())
            }
            other => other.to_string(),
        };
        let advice = match &error {
            HdfsError::AlreadyExists(_) => Some("replace it with -f"),
            HdfsError::ChecksumError => Some("the block's data is damaged; restore the file from a copy"),
            _ => ADVICE.iter().find(|(sign, _)| problem.contains(sign)).map(|(_, advice)| *advice),
        };
        Self { subject: path.to_owned(), problem, advice, closed_pipe: false }
    }

    /// An error of this machine about a file.
    pub(super) fn local(path: &Path, error: &io::Error) -> Self {
        Self::about(path.display().to_string(), error.to_string())
    }

    /// An error in writing to standard output.
    pub(super) fn output(error: &io::Error) -> Self {
        let closed_pipe = error.kind() == io::ErrorKind::BrokenPipe;
        Self { subject: "standard output".to_owned(), problem: error.to_string(), advice: None, closed_pipe }
    }

    /// Whether the reader of the output went away, as `head` does.
    pub(super) fn is_closed_pipe(&self) -> bool {
        self.closed_pipe
    }

    /// As a JSON object.
    pub(super) fn json(&self) -> serde_json::Value {
        serde_json::json!({ "error": { "subject": self.subject, "problem": self.problem, "advice": self.advice } })
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.subject, self.problem)?;
        match self.advice {
            Some(advice) => write!(f, "\n  {advice}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn java_exceptions_become_one_line_with_advice() {
        let error = HdfsError::RPCError(
            "org.apache.hadoop.security.AccessControlException".to_owned(),
            "Permission denied: user=bob\n\tat java".to_owned(),
        );
        let text = Error::of("/a", error).to_string();
        assert_eq!(
            text,
            "/a: AccessControlException: Permission denied: user=bob\n  act as another user with --user NAME, or ask the owner"
        );
    }

    #[tokio::test]
    async fn a_url_of_another_kind_is_refused() {
        let error = reach("s3://bucket").await.unwrap_err();
        assert_eq!(error.to_string(), "s3://bucket: is not of the form hdfs://HOST:PORT or hdfs://NAMESERVICE");
    }

    #[tokio::test]
    async fn an_address_where_nobody_listens_is_named() {
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let error = reach(&format!("hdfs://{free}/x")).await.unwrap_err().to_string();
        assert!(error.contains("cannot be reached: Connection refused"), "{error}");
        assert!(error.contains("anabranch local"), "{error}");
    }
}
