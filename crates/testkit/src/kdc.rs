//! A Kerberos realm on loopback: MIT's KDC, with principals of its own.

use std::fs::{self, File};
use std::io::Write as _;
use std::net::{SocketAddr, TcpStream};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use crate::net::{free_address, wait_until};
use crate::scratch::Scratch;

/// The realm's name.
pub const REALM: &str = "ANABRANCH.TEST";

/// The variable by which MIT's library finds its configuration.
const CONFIGURATION: &str = "KRB5_CONFIG";
const PATIENCE: Duration = Duration::from_secs(30);

/// A running KDC, killed when dropped.
pub struct Kdc {
    dir: PathBuf,
    address: SocketAddr,
    child: Option<Child>,
}

impl Kdc {
    /// Makes a realm without principals, with all its files in `dir`, and serves it.
    pub fn start(dir: &Path) -> Result<Self> {
        let address = free_address()?;
        let (shown, port) = (dir.display(), address.port());
        fs::write(
            dir.join("krb5.conf"),
            format!(
                "[libdefaults]\n default_realm = {REALM}\n dns_lookup_kdc = false\n dns_lookup_realm = false\n \
                 dns_canonicalize_hostname = false\n rdns = false\n udp_preference_limit = 1\n\
                 [realms]\n {REALM} = {{\n  kdc = 127.0.0.1:{port}\n }}\n\
                 [domain_realm]\n localhost = {REALM}\n"
            ),
        )?;
        fs::write(
            dir.join("kdc.conf"),
            format!(
                "[kdcdefaults]\n kdc_listen = 127.0.0.1:{port}\n kdc_tcp_listen = 127.0.0.1:{port}\n\
                 [realms]\n {REALM} = {{\n  database_name = {shown}/principals\n  key_stash_file = {shown}/stash\n \
                 acl_file = {shown}/acl\n }}\n"
            ),
        )?;
        let mut kdc = Self { dir: dir.to_owned(), address, child: None };
        let made = kdc.command("kdb5_util").args(["create", "-s", "-r", REALM, "-P", "master"]).output();
        let made = made.context(NEEDS)?;
        ensure!(made.status.success(), "kdb5_util: {}", String::from_utf8_lossy(&made.stderr));
        kdc.resume()?;
        Ok(kdc)
    }

    /// The configuration of clients and services: for `KRB5_CONFIG`, and Java's `java.security.krb5.conf`.
    pub fn config(&self) -> PathBuf {
        self.dir.join("krb5.conf")
    }

    /// Makes a principal with a new key, or gives it one, and writes that into a keytab. The key that it had, and the
    /// keytabs with that, are good for nothing then.
    pub fn keytab(&self, principal: &str, file: &str) -> Result<PathBuf> {
        let keytab = self.dir.join(file);
        let said = self
            .administer(&format!("add_principal -randkey {principal}\nktadd -k {} {principal}\n", keytab.display()))?;
        ensure!(said.contains("added to keytab"), "{principal}: {said}");
        Ok(keytab)
    }

    /// Deletes a principal; keytabs with its key stay.
    pub fn forget(&self, principal: &str) -> Result<()> {
        let said = self.administer(&format!("delete_principal -force {principal}\n"))?;
        ensure!(said.contains("deleted"), "{principal}: {said}");
        Ok(())
    }

    /// What the administrator's program says to these commands; its exit code says nothing of them.
    fn administer(&self, commands: &str) -> Result<String> {
        let mut admin = self.command("kadmin.local");
        let admin = admin.args(["-r", REALM]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut admin = admin.spawn().context(NEEDS)?;
        // Closed at the end of the statement, so that it ends.
        admin.stdin.take().context("no standard input")?.write_all(commands.as_bytes())?;
        let said = admin.wait_with_output()?;
        Ok(format!("{}{}", String::from_utf8_lossy(&said.stdout), String::from_utf8_lossy(&said.stderr)))
    }

    /// kill -9: nobody answers until [`Kdc::resume`].
    pub fn stop(&mut self) {
        if let Some(mut child) = self.child.take() {
            // Both fail only if it has ended already.
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// Serves the realm again, at the same address.
    pub fn resume(&mut self) -> Result<()> {
        let log = File::create(self.dir.join("krb5kdc.log"))?;
        let mut command = self.command("krb5kdc");
        let child = command.arg("-n").stdout(log.try_clone()?).stderr(log).stdin(Stdio::null()).spawn();
        self.child = Some(child.context(NEEDS)?);
        wait_until("the KDC answers", PATIENCE, || TcpStream::connect(self.address).is_ok())
    }

    fn command(&self, name: &str) -> Command {
        // Administrators' programs are not in the path of everybody.
        let place = ["/usr/sbin", "/sbin", "/usr/bin"].map(|dir| Path::new(dir).join(name));
        let found = place.into_iter().find(|path| path.is_file()).unwrap_or_else(|| name.into());
        let mut command = Command::new(found);
        command.env(CONFIGURATION, self.config()).env("KRB5_KDC_PROFILE", self.dir.join("kdc.conf"));
        command
    }
}

const NEEDS: &str = "needs MIT Kerberos (Debian: apt-get install krb5-kdc krb5-admin-server krb5-user)";

impl Drop for Kdc {
    fn drop(&mut self) {
        self.stop();
    }
}

/// For a test whose own process is a client of the realm: the directory to make it in. The first thing that `main` does.
///
/// MIT's library finds its configuration by an environment variable, and the environment must not change beside threads:
/// so the program is started anew, with the variable set.
pub fn enter() -> Result<Scratch> {
    // Which the program keeps when it is started anew in its own place.
    let name = format!("anabranch-realm-{}", std::process::id());
    let config = std::env::temp_dir().join(&name).join("krb5.conf");
    if std::env::var_os(CONFIGURATION).is_some_and(|set| set == config.as_os_str()) {
        return Scratch::named(&name);
    }
    let mut again = Command::new(std::env::current_exe()?);
    again.args(std::env::args_os().skip(1)).env(CONFIGURATION, config);
    // Returns only when it fails.
    Err(again.exec().into())
}
