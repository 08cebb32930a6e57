//! DIGEST-MD5 (RFC 2831), the client's side, as ZooKeeper's servers use it.

use std::fmt::Write as _;

use md5::{Digest, Md5};
use rand::RngCore;

use super::ZooKeeperError;

/// The protocol and the name that ZooKeeper's servers go by.
const URI: &str = "zookeeper/zk-sasl-md5";

/// An exchange: [`Exchange::answer`] to the server's challenge, then [`Exchange::confirm`] that it knows the password.
pub(super) struct Exchange<'a> {
    user: &'a str,
    password: &'a str,
    nonce: String,
    secret: String,
    client_nonce: String,
}

impl<'a> Exchange<'a> {
    pub(super) fn new(user: &'a str, password: &'a str) -> Self {
        let mut random = [0; 16];
        rand::rng().fill_bytes(&mut random);
        Self { user, password, nonce: String::new(), secret: String::new(), client_nonce: hex(&random) }
    }

    /// Answers the challenge.
    pub(super) fn answer(&mut self, challenge: &[u8]) -> Result<Vec<u8>, ZooKeeperError> {
        let challenge = std::str::from_utf8(challenge).map_err(|_| ZooKeeperError::Malformed)?;
        let fields = fields(challenge);
        let field = |name| fields.iter().find(|(field, _)| *field == name).map(|(_, value)| value.as_str());
        let realm = field("realm").unwrap_or_default();
        self.nonce = field("nonce").ok_or(ZooKeeperError::Malformed)?.to_owned();
        if !field("qop").is_none_or(|offered| offered.split(',').any(|qop| qop.trim() == "auth")) {
            return Err(ZooKeeperError::Authentication("the server demands protection that is not supported".into()));
        }
        let mut first = Md5::digest(format!("{}:{realm}:{}", self.user, self.password)).to_vec();
        first.extend_from_slice(format!(":{}:{}", self.nonce, self.client_nonce).as_bytes());
        self.secret = hex(&Md5::digest(&first));
        let response = self.response("AUTHENTICATE");
        let (nonce, client_nonce) = (&self.nonce, &self.client_nonce);
        let (user, realm) = (quoted(self.user), quoted(realm));
        Ok(format!(
            "charset=utf-8,username=\"{user}\",realm=\"{realm}\",nonce=\"{nonce}\",nc=00000001,cnonce=\"{client_nonce}\",\
             digest-uri=\"{URI}\",response={response},qop=auth"
        )
        .into_bytes())
    }

    /// Checks the server's last message.
    pub(super) fn confirm(&self, last: &[u8]) -> Result<(), ZooKeeperError> {
        if last == format!("rspauth={}", self.response("")).as_bytes() {
            return Ok(());
        }
        Err(ZooKeeperError::Authentication("the server does not know the password".into()))
    }

    fn response(&self, method: &str) -> String {
        let second = hex(&Md5::digest(format!("{method}:{URI}")));
        let (secret, nonce, client_nonce) = (&self.secret, &self.nonce, &self.client_nonce);
        hex(&Md5::digest(format!("{secret}:{nonce}:00000001:{client_nonce}:auth:{second}")))
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn quoted(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"")
}

/// `name=value,name="value"`.
fn fields(mut text: &str) -> Vec<(&str, String)> {
    let mut found = Vec::new();
    while let Some((name, rest)) = text.split_once('=') {
        let (mut value, mut end, mut quoted) = (String::new(), rest.len(), false);
        let mut letters = rest.char_indices();
        while let Some((at, letter)) = letters.next() {
            match letter {
                '"' => quoted = !quoted,
                '\\' if quoted => value.extend(letters.next().map(|(_, letter)| letter)),
                ',' if !quoted => {
                    end = at;
                    break;
                }
                _ => value.push(letter),
            }
        }
        found.push((name.trim(), value));
        text = rest.get(end + 1..).unwrap_or_default();
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_taken_apart() {
        let read = fields(r#"realm="a,b\"c",nonce="n=1", qop="auth,auth-int",charset=utf-8"#);
        let shown: Vec<_> = read.iter().map(|(name, value)| format!("{name}:{value}")).collect();
        assert_eq!(shown, ["realm:a,b\"c", "nonce:n=1", "qop:auth,auth-int", "charset:utf-8"]);
        assert_eq!(fields("nothing"), []);
        assert_eq!(fields("a=\"open"), [("a", "open".to_owned())]);
    }

    #[test]
    fn a_server_that_does_not_know_the_password_is_refused() {
        let mut exchange = Exchange::new("u", "p");
        assert!(exchange.answer(b"realm=\"r\"").is_err());
        assert!(exchange.answer(b"nonce=\"n\",qop=\"auth-conf\"").is_err());
        let answer = exchange.answer(b"realm=\"r\",nonce=\"n\",qop=\"auth\"").unwrap();
        assert!(String::from_utf8(answer).unwrap().contains("username=\"u\",realm=\"r\",nonce=\"n\""));
        assert!(exchange.confirm(b"rspauth=00").is_err());
    }
}
