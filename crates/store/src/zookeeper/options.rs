use std::path::PathBuf;
use std::time::Duration;
use std::{fmt, fs};

use super::ZooKeeperError;

/// Where the records are, unless told otherwise.
const PARENT: &str = "/hdfs-federation";

/// How an ensemble is reached, and how the records are kept there.
#[derive(Debug, Clone)]
pub struct ZooKeeperOptions {
    /// Its members, `(host, port)`.
    pub members: Vec<(String, u16)>,
    /// Below this node is all that this client sees; empty: the root.
    pub chroot: String,
    /// After how long without contact the ensemble gives a session up.
    pub session_timeout: Duration,
    /// How long the store waits after no member could be reached, before it tries again.
    pub retry_interval: Duration,
    /// The node below which the kinds of records have their nodes.
    pub parent: String,
    /// Who may do what with the nodes of kinds; records are open, as those of Java routers.
    pub acl: Vec<Acl>,
    /// Credentials that are presented on each connection.
    pub auth: Vec<Auth>,
    /// Who the store is, to members that demand it.
    pub sasl: Option<Sasl>,
    /// How connections are encrypted; `None`: they are not.
    pub tls: Option<Tls>,
    /// How many changes of each kind are remembered for watchers that are not up to date.
    pub history: usize,
    /// How many bytes of encoded records these changes may have.
    pub history_bytes: usize,
}

impl ZooKeeperOptions {
    /// The defaults, for a connect string: `host:port,host:port/chroot`.
    ///
    /// # Errors
    /// When that is none.
    pub fn new(connect: &str) -> Result<Self, ZooKeeperError> {
        let (hosts, chroot) = connect.find('/').map_or((connect, ""), |at| connect.split_at(at));
        let members = hosts.split(',').map(str::trim).filter(|host| !host.is_empty()).map(member);
        let members = members.collect::<Result<Vec<_>, _>>()?;
        if members.is_empty() {
            return Err(ZooKeeperError::Option(format!("`{connect}` names no server")));
        }
        Ok(Self {
            members,
            chroot: node("chroot", chroot)?,
            session_timeout: Duration::from_secs(10),
            retry_interval: Duration::from_secs(1),
            parent: PARENT.to_owned(),
            acl: vec![Acl::open()],
            auth: Vec::new(),
            sasl: None,
            tls: None,
            history: 16_384,
            history_bytes: 32 << 20,
        })
    }

    /// Sets where the records are.
    ///
    /// # Errors
    /// When that is no path of a node.
    pub fn with_parent(self, parent: &str) -> Result<Self, ZooKeeperError> {
        Ok(Self { parent: node("parent", parent)?, ..self })
    }
}

fn member(text: &str) -> Result<(String, u16), ZooKeeperError> {
    let wrong = || ZooKeeperError::Option(format!("`{text}` is no host:port"));
    let (host, port) = match text.rsplit_once(':') {
        // A bare IPv6 address has colons, but no port.
        Some((host, port)) if !host.contains(':') || host.ends_with(']') => (host, port),
        _ => (text, "2181"),
    };
    let host = host.trim_start_matches('[').trim_end_matches(']');
    if host.is_empty() {
        return Err(wrong());
    }
    Ok((host.to_owned(), port.parse().map_err(|_| wrong())?))
}

/// The path of a node as ZooKeeper takes it, without the last `/`.
fn node(what: &str, path: &str) -> Result<String, ZooKeeperError> {
    let trimmed = path.trim_end_matches('/');
    let part = |part: &str| !matches!(part, "" | "." | "..") && !part.contains(|c: char| c.is_control());
    let valid = trimmed.is_empty() || trimmed.strip_prefix('/').is_some_and(|rest| rest.split('/').all(part));
    if !valid {
        return Err(ZooKeeperError::Option(format!("{what} `{path}` is no path of a node")));
    }
    Ok(trimmed.to_owned())
}

/// Who may do what with a node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Acl {
    /// How the caller is identified: `world`, `digest`, `sasl`, `x509`, `ip`.
    pub scheme: String,
    /// Who.
    pub id: String,
    /// Read 1, write 2, create 4, delete 8, administer 16.
    pub permissions: i32,
}

impl Acl {
    /// Anyone may do anything.
    pub fn open() -> Self {
        Self { scheme: "world".to_owned(), id: "anyone".to_owned(), permissions: 31 }
    }

    /// Reads the value of `hadoop.zk.acl`: `scheme:id:permissions`, separated by commas, or `@` and a file with that.
    ///
    /// # Errors
    /// When it is none, or the file cannot be read.
    pub fn parse(text: &str) -> Result<Vec<Self>, ZooKeeperError> {
        let text = indirect(text)?;
        let one = |entry: &str| {
            let wrong = || ZooKeeperError::Option(format!("ACL `{entry}` is not scheme:id:permissions"));
            let (scheme, rest) = entry.split_once(':').ok_or_else(wrong)?;
            // The id may have colons of its own.
            let (id, letters) = rest.rsplit_once(':').ok_or_else(wrong)?;
            let bit = |letter| "rwcda".find(letter).map(|at| 1 << at).ok_or_else(wrong);
            let permissions = letters.chars().map(bit).try_fold(0, |all, bit| Ok::<_, ZooKeeperError>(all | bit?))?;
            Ok(Self { scheme: scheme.to_owned(), id: id.to_owned(), permissions })
        };
        entries(&text).map(one).collect()
    }
}

/// A credential.
#[derive(Clone, PartialEq, Eq)]
pub struct Auth {
    /// `digest`, for example.
    pub scheme: String,
    /// `user:password` with `digest`.
    pub secret: String,
}

impl fmt::Debug for Auth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Auth({}, ..)", self.scheme)
    }
}

impl Auth {
    /// Reads the value of `hadoop.zk.auth`: `scheme:secret`, separated by commas, or `@` and a file with that.
    ///
    /// # Errors
    /// When it is none, or the file cannot be read. The text says nothing of the secret.
    pub fn parse(text: &str) -> Result<Vec<Self>, ZooKeeperError> {
        let text = indirect(text)?;
        let wrong = || ZooKeeperError::Option("a credential is not scheme:secret".to_owned());
        let one = |entry: &str| {
            let (scheme, secret) = entry.split_once(':').ok_or_else(wrong)?;
            Ok(Self { scheme: scheme.to_owned(), secret: secret.to_owned() })
        };
        entries(&text).map(one).collect()
    }
}

fn entries(text: &str) -> impl Iterator<Item = &str> {
    text.split(',').map(str::trim).filter(|entry| !entry.is_empty())
}

/// The value itself, or what is in the file that it names.
fn indirect(text: &str) -> Result<String, ZooKeeperError> {
    let Some(file) = text.strip_prefix('@') else { return Ok(text.to_owned()) };
    let file = file.trim();
    let read = fs::read_to_string(file).map_err(|e| ZooKeeperError::Option(format!("{file}: {e}")))?;
    Ok(read.trim().to_owned())
}

/// How the store proves who it is.
#[derive(Clone, PartialEq, Eq)]
pub enum Sasl {
    /// By a user and a password, which does not travel.
    DigestMd5 {
        /// The user.
        user: String,
        /// The password.
        password: String,
    },
    /// By Kerberos.
    Gssapi(Kerberos),
}

/// Who the store is in Kerberos, and who the members are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kerberos {
    /// The store's principal; of the default realm, if it names none.
    pub principal: String,
    /// The file that has its key. It is read for each connection.
    pub keytab: PathBuf,
    /// The members: the name of their service, whose principals are `name/<host>`; or a whole principal, in which
    /// `_HOST` stands for a member's host.
    pub server: String,
}

impl Kerberos {
    /// What members go by, unless told otherwise.
    pub const SERVER: &str = "zookeeper";
}

impl fmt::Debug for Sasl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::DigestMd5 { user, .. } => write!(f, "DigestMd5({user}, ..)"),
            Self::Gssapi(kerberos) => f.debug_tuple("Gssapi").field(kerberos).finish(),
        }
    }
}

/// How connections are encrypted. Files are PEM, and must be good when the store is opened; each connection uses what they
/// say then.
#[derive(Debug, Clone)]
pub struct Tls {
    /// Certificates of who may sign for the members.
    pub ca: PathBuf,
    /// This client's certificate and private key, for members that demand one.
    pub identity: Option<(PathBuf, PathBuf)>,
}

impl Tls {
    pub(super) fn files(&self) -> Vec<PathBuf> {
        let identity = self.identity.iter().flat_map(|(certificate, key)| [certificate, key]);
        [&self.ca].into_iter().chain(identity).cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connect_strings() {
        let read = |text| {
            let options = ZooKeeperOptions::new(text).map_err(|e| e.to_string())?;
            let members: Vec<_> = options.members.iter().map(|(host, port)| format!("{host} {port}")).collect();
            Ok::<_, String>((members.join(", "), options.chroot))
        };
        for (text, members, chroot) in [
            ("a", "a 2181", ""),
            ("a:1", "a 1", ""),
            ("a:1, b:2 ,c", "a 1, b 2, c 2181", ""),
            ("a:1,b:2/x/y", "a 1, b 2", "/x/y"),
            ("a:1/", "a 1", ""),
            ("[::1]:5,::1", "::1 5, ::1 2181", ""),
        ] {
            assert_eq!(read(text), Ok((members.to_owned(), chroot.to_owned())), "{text}");
        }
        for text in ["", ",", ":1", "a:b", "a:70000", "a//x", "a/x/../y", "a/."] {
            assert!(read(text).is_err(), "{text}");
        }
    }

    #[test]
    fn acls_and_credentials_are_hadoops() {
        let acl = |scheme: &str, id: &str, permissions| Acl { scheme: scheme.into(), id: id.into(), permissions };
        assert_eq!(Acl::parse("world:anyone:rwcda").unwrap(), [Acl::open()]);
        assert_eq!(
            Acl::parse("sasl:rm/h@R:rw, ,digest:u:hash=:cda,").unwrap(),
            [acl("sasl", "rm/h@R", 3), acl("digest", "u:hash=", 28)]
        );
        for wrong in ["world", "world:anyone", "world:anyone:x"] {
            assert!(Acl::parse(wrong).is_err(), "{wrong}");
        }
        let auth = |scheme: &str, secret: &str| Auth { scheme: scheme.into(), secret: secret.into() };
        assert_eq!(Auth::parse("digest:u:p, digest:v:q").unwrap(), [auth("digest", "u:p"), auth("digest", "v:q")]);

        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("auth");
        fs::write(&file, "digest:u:secret\n").unwrap();
        assert_eq!(Auth::parse(&format!("@{}", file.display())).unwrap(), [auth("digest", "u:secret")]);
        assert!(Auth::parse("@/nowhere").is_err());
    }

    #[test]
    fn secrets_stay_out_of_messages() {
        let mut options = ZooKeeperOptions::new("a").unwrap();
        options.auth = Auth::parse("digest:u:hidden").unwrap();
        options.sasl = Some(Sasl::DigestMd5 { user: "u".into(), password: "hidden".into() });
        assert!(!format!("{options:?}").contains("hidden"));
        assert!(!Auth::parse("hidden").unwrap_err().to_string().contains("hidden"));
    }
}
