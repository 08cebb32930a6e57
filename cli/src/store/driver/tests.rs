use super::*;

fn told(name: DriverName, given: &Given<'_>) -> Result<Driver, String> {
    Driver::new(name, given, Environment::default()).map_err(|error| error.to_string())
}

#[test]
fn each_driver_takes_its_own_options_only() {
    let (dir, none) = (Some(Path::new("/d")), Given::default());
    let (data, ensemble) = (Given { data: dir, ..none }, Given { zookeeper: Some("z:1"), ..none });
    assert_eq!(told(DriverName::Rocksdb, &data), Ok(Driver::Rocksdb("/d".into())));
    assert_eq!(told(DriverName::Memory, &none), Ok(Driver::Memory));
    let define = [("hadoop.zk.auth".to_owned(), "@/f".to_owned())];
    for (name, given, expected) in [
        (DriverName::Rocksdb, none, "say which with --data DIR"),
        (
            DriverName::Rocksdb,
            Given { data: dir, ..ensemble },
            "--driver rocksdb has no use for --zookeeper: leave it out",
        ),
        (DriverName::Memory, data, "--driver memory has no use for --data: leave it out"),
        (DriverName::Memory, Given { conf: dir, ..none }, "--driver memory has no use for --conf: leave it out"),
        (DriverName::Memory, Given { define: &define, ..none }, "--driver memory has no use for -D: leave it out"),
        (DriverName::Zookeeper, none, "say which with --zookeeper HOST:PORT, or hadoop.zk.address in --conf DIR"),
        (
            DriverName::Zookeeper,
            Given { data: dir, ..ensemble },
            "--driver zookeeper has no use for --data: leave it out",
        ),
    ] {
        assert!(told(name, &given).unwrap_err().ends_with(expected), "{name:?} {given:?}");
    }
}

#[test]
fn an_ensemble_has_a_routers_keys() {
    let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
    let zookeeper = |zookeeper, define: &[_]| match told(
        DriverName::Zookeeper,
        &Given { zookeeper, define, ..Given::default() },
    )? {
        Driver::Zookeeper(config) => Ok(*config),
        other => Err(format!("{other:?}")),
    };
    let own = pair("dfs.federation.router.store.driver.zk.address", "own:1");
    assert_eq!(zookeeper(None, std::slice::from_ref(&own)).unwrap().address, "own:1");
    assert_eq!(zookeeper(Some("z:1"), &[own]).unwrap().address, "z:1", "the option wins");
    let found =
        zookeeper(Some("z:1"), &[pair("hadoop.zk.auth", "@/f"), pair("anabranch.store.tls.ca", "/ca")]).unwrap();
    assert_eq!((found.auth.as_str(), found.tls.map(|tls| tls.ca)), ("@/f", Some("/ca".into())));

    let secret = zookeeper(Some("z:1"), &[pair("hadoop.zk.auth", "digest:u:hidden")]).unwrap_err();
    assert!(secret.contains("hadoop.zk.auth=@FILE") && !secret.contains("hidden"), "{secret}");
    let misspelt = zookeeper(Some("z:1"), &[pair("hadoop.zk.adress", "z:2")]).unwrap_err();
    assert!(misspelt.starts_with("-D hadoop.zk.adress: expected one of dfs.federation.router"), "{misspelt}");
    let half = zookeeper(Some("z:1"), &[pair("hadoop.zk.kerberos.principal", "p")]).unwrap_err();
    assert!(half.starts_with("hadoop.zk.kerberos.keytab is not set; expected"), "{half}");
}

#[test]
fn the_help_has_every_key() {
    let help = keys();
    for key in ENSEMBLE_KEYS {
        assert!(help.contains(&format!("\n  {key} (")), "{key}: {help}");
    }
}
