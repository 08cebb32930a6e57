//! Certificates that someone else renews: a mounted Secret, which cert-manager writes for example.

use std::path::PathBuf;

use crate::webhook::served::{CertificateError, Served};

/// The files of a Secret of type `kubernetes.io/tls`.
pub struct Files {
    dir: PathBuf,
    shown: Option<(Vec<u8>, Vec<u8>)>,
}

/// Why files cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// One cannot be read.
    #[error("cannot read {path}: {source}")]
    Read {
        /// Which.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// They are no certificate and key.
    #[error("tls.crt and tls.key in {dir}: {source}")]
    Unfit {
        /// The directory.
        dir: String,
        /// Why.
        source: CertificateError,
    },
}

impl Files {
    /// In a directory.
    pub fn new(dir: PathBuf) -> Self {
        Self { dir, shown: None }
    }

    /// Shows what is in the files, if that is news.
    ///
    /// # Errors
    /// Names the file.
    pub async fn step(&mut self, served: &Served) -> Result<(), FileError> {
        let now = (self.read("tls.crt").await?, self.read("tls.key").await?);
        if self.shown.as_ref() == Some(&now) {
            return Ok(());
        }
        let unfit = |source| FileError::Unfit { dir: self.dir.display().to_string(), source };
        served.show(&now.0, &now.1).map_err(unfit)?;
        served.ready();
        tracing::info!(dir = %self.dir.display(), "the webhook shows a new certificate");
        self.shown = Some(now);
        Ok(())
    }

    async fn read(&self, name: &str) -> Result<Vec<u8>, FileError> {
        let path = self.dir.join(name);
        let failed = |source| FileError::Read { path: path.display().to_string(), source };
        tokio::fs::read(&path).await.map_err(failed)
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use anabranch_telemetry::Readiness;

    use super::*;

    fn write(dir: &Path, name: &str) -> String {
        let issued = rcgen::generate_simple_self_signed([name.to_owned()]).unwrap();
        std::fs::write(dir.join("tls.crt"), issued.cert.pem()).unwrap();
        std::fs::write(dir.join("tls.key"), issued.signing_key.serialize_pem()).unwrap();
        issued.cert.pem()
    }

    #[tokio::test]
    async fn the_last_good_pair_is_shown() {
        let (dir, readiness) = (tempfile::tempdir().unwrap(), Readiness::new());
        let served = Served::new(readiness.register("certificate"));
        let mut files = Files::new(dir.path().to_owned());
        let missing = files.step(&served).await.unwrap_err().to_string();
        assert!(missing.starts_with(&format!("cannot read {}/tls.crt: ", dir.path().display())), "{missing}");
        assert!(!readiness.ready());

        let first = write(dir.path(), "first.svc");
        files.step(&served).await.unwrap();
        assert!(readiness.ready() && served.shows(&first));

        // Half of a renewal.
        let renewed = write(dir.path(), "second.svc");
        std::fs::write(dir.path().join("tls.crt"), &first).unwrap();
        let unfit = files.step(&served).await.unwrap_err().to_string();
        assert!(unfit.contains("certificate and key: "), "{unfit}");
        assert!(served.shows(&first));
        std::fs::write(dir.path().join("tls.crt"), "").unwrap();
        assert!(files.step(&served).await.is_err());
        assert!(served.shows(&first));

        std::fs::write(dir.path().join("tls.crt"), &renewed).unwrap();
        files.step(&served).await.unwrap();
        assert!(served.shows(&renewed));
    }
}
