use anabranch_testkit::certificates::{Authority, Issued};

use super::*;

#[tokio::test]
async fn what_changes_is_made_anew_and_what_is_broken_is_not() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("text");
    let write = |text: &str| fs::write(&path, text).unwrap();
    write("one");
    let make = |files: &[File]| match String::from_utf8(files[0].pem.clone()) {
        Ok(text) if text == "broken" => Err(files[0].unusable("broken")),
        text => Ok(text.unwrap()),
    };
    let reloaded = Reloaded::open(vec![path.clone()], make).unwrap();
    let first = reloaded.current().await;
    assert!(Arc::ptr_eq(&first, &reloaded.current().await), "nothing is made of what has not changed");
    write("two");
    assert_eq!(*reloaded.latest(), "one");
    assert_eq!(*reloaded.current().await, "two");
    write("broken");
    assert_eq!(*reloaded.current().await, "two");
    fs::remove_file(&path).unwrap();
    assert_eq!(*reloaded.current().await, "two");
    write("three");
    assert_eq!(*reloaded.current().await, "three");

    write("broken");
    let error = Reloaded::open(vec![path.clone()], make).err().unwrap();
    assert_eq!(error.to_string(), format!("{}: broken", path.display()));
}

#[test]
fn the_file_that_is_wrong_is_named() {
    let file = |name: &str, pem: &str| File { path: name.into(), pem: pem.into() };
    let authority = Authority::new("ours").unwrap();
    let (own, other) = (authority.issue("a").unwrap(), authority.issue("b").unwrap());
    let ca = file("ca", &authority.pem());
    let pair = |Issued { certificate, key }: &Issued| [file("crt", certificate), file("key", key)];
    let [crt, key] = pair(&own);
    assert!(server(&[crt.clone(), key.clone(), ca.clone()]).is_ok());
    assert!(client(&[ca.clone(), crt.clone(), key.clone()]).is_ok());
    let none = file("none", "no PEM");
    let damaged = file("damaged", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
    for (files, expected) in [
        ([none.clone(), key.clone(), ca.clone()], "none: no certificate"),
        ([crt.clone(), none.clone(), ca.clone()], "none: no private key"),
        ([crt.clone(), key.clone(), none.clone()], "none: no certificate"),
        ([crt.clone(), pair(&other)[1].clone(), ca.clone()], "crt: "),
        ([damaged.clone(), key.clone(), ca.clone()], "damaged: "),
        ([crt.clone(), key.clone(), damaged], "damaged: "),
    ] {
        let error = server(&files).unwrap_err().to_string();
        assert!(error.starts_with(expected), "{error}");
        let [crt, key, ca] = files;
        let error = client(&[ca, crt, key]).unwrap_err().to_string();
        assert!(error.starts_with(expected), "{error}");
    }
}
