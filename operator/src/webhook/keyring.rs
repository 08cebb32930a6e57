//! The certificates that the operator issues to itself: a plain function from those that there are to those that there
//! should be.

use std::time::Duration;

use rcgen::{
    BasicConstraints, CertificateParams, DnType, Error, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, date_time_ymd,
};
use serde::{Deserialize, Serialize};

/// How far clocks of API servers may be behind, in milliseconds.
const SKEW: u64 = 300_000;

/// How long a certificate of the server counts. Its authority counts four times as long, and begins to sign when it has been
/// announced for a twentieth of it: by then every API server knows it.
#[derive(Debug, Clone, Copy)]
pub struct Life(pub Duration);

impl Life {
    fn server(self) -> u64 {
        u64::try_from(self.0.as_millis()).unwrap_or(u64::MAX)
    }

    fn authority(self) -> u64 {
        self.server().saturating_mul(4)
    }

    fn settled(self) -> u64 {
        self.server() / 20
    }
}

/// A certificate and its key in PEM, with the times between which it counts, in milliseconds since 1970.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Issued {
    /// The certificate.
    pub certificate: String,
    /// Its key.
    pub key: String,
    since: u64,
    until: u64,
}

impl Issued {
    /// Whether two thirds of its life are over.
    fn is_due(&self, now: u64) -> bool {
        now >= self.since + (self.until - self.since) / 3 * 2
    }
}

/// What the operators share.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Keyring {
    /// Who signs, the newest last. Each is trusted until it ends, so that nothing that it signed is refused.
    authorities: Vec<Issued>,
    /// What the server shows, and the names that it is for.
    server: Option<(Vec<String>, Issued)>,
}

impl Keyring {
    /// What there should be; `None` if that is what there is. `announced` is what API servers are known to trust, in PEM.
    ///
    /// # Errors
    /// When a name is none, or a key cannot be read.
    pub fn next(&self, names: &[String], announced: &str, life: Life, now: u64) -> Result<Option<Self>, Error> {
        let mut next = self.clone();
        next.authorities.retain(|authority| now < authority.until);
        if next.authorities.last().is_none_or(|newest| newest.is_due(now)) {
            next.authorities.push(authority(now, now + life.authority())?);
        }
        let served = next.server.as_ref().filter(|(for_names, _)| for_names == names);
        if served.is_none_or(|(_, server)| server.is_due(now)) {
            let known = |by: &&Issued| by.since + life.settled() <= now && announced.contains(by.certificate.trim());
            // The oldest is the one that most know, or the only one.
            let signer = next.authorities.iter().rfind(known).or(next.authorities.first());
            if let Some(signer) = signer {
                next.server =
                    Some((names.to_vec(), server(signer, names, now, signer.until.min(now + life.server()))?));
            }
        }
        Ok((next != *self).then_some(next))
    }

    /// The certificates that API servers should trust, in PEM.
    pub fn bundle(&self) -> String {
        self.authorities.iter().map(|authority| authority.certificate.as_str()).collect()
    }

    /// What the server shows.
    pub fn server(&self) -> Option<&Issued> {
        self.server.as_ref().map(|(_, server)| server)
    }
}

fn authority(since: u64, until: u64) -> Result<Issued, Error> {
    let key = KeyPair::generate()?;
    let certificate = authority_params(since, until)?.self_signed(&key)?.pem();
    Ok(Issued { certificate, key: key.serialize_pem(), since, until })
}

/// The same for the same times: what signs is made of them again.
fn authority_params(since: u64, until: u64) -> Result<CertificateParams, Error> {
    let mut params = params(Vec::new(), &format!("anabranch-operator {since}"), since, until)?;
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    Ok(params)
}

fn server(signer: &Issued, names: &[String], since: u64, until: u64) -> Result<Issued, Error> {
    let issuer = Issuer::new(authority_params(signer.since, signer.until)?, KeyPair::from_pem(&signer.key)?);
    let key = KeyPair::generate()?;
    let mut params = params(names.to_vec(), "anabranch-operator webhook", since, until)?;
    params.use_authority_key_identifier_extension = true;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let certificate = params.signed_by(&key, &issuer)?.pem();
    Ok(Issued { certificate, key: key.serialize_pem(), since, until })
}

fn params(names: Vec<String>, common_name: &str, since: u64, until: u64) -> Result<CertificateParams, Error> {
    let mut params = CertificateParams::new(names)?;
    let at = |ms| date_time_ymd(1970, 1, 1) + Duration::from_millis(ms);
    (params.not_before, params.not_after) = (at(since.saturating_sub(SKEW)), at(until));
    params.distinguished_name.push(DnType::CommonName, common_name);
    Ok(params)
}

#[cfg(test)]
mod tests;
