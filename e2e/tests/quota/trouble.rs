//! What is not as it should be.

use std::time::{Duration, Instant};

use anabranch_testkit::net;

use crate::site::{PATIENCE, Site};

pub fn by_hand(site: &Site) {
    site.both_admin("-setQuota /one -nsQuota 40");
    site.until("the quota is set", |side| site.quota_at(0, side, "one")["quota"] == 40);
    for side in site.sides() {
        let path = format!("{}/one", side.directory);
        site.by_hand(0, &["-setQuota", "99", &path]);
        site.by_hand(0, &["-setSpaceQuota", "1g", &path]);
    }
    site.until("both are set right", |side| {
        let quota = site.quota_at(0, side, "one");
        quota["quota"] == 40 && quota["spaceQuota"] == u64::MAX
    });
    // A directory that is made later has the quota as well.
    for side in site.sides() {
        site.admin(side, "-add /late ns1 $R/late").ok();
    }
    // Java's router reads the state store each half second.
    site.until("the mount is there", |side| !site.shown(side, "/late").is_empty());
    site.both_admin("-setQuota /late -nsQuota 6");
    site.until("a directory is made", |_| {
        site.sides().iter().all(|side| site.dfs(side, &["-mkdir", "-p", "/late/d"]).exit == 0)
    });
    site.until("its quota is set", |side| site.quota_at(1, side, "late")["quota"] == 6);
    // What is removed from the mount table is without a quota. Java's router may set it anew after it has taken it back.
    for mount in ["/one", "/late"] {
        site.both_admin(&format!("-rm {mount}"));
    }
    let ours = site.ours();
    for quota in [site.quota_at(0, ours, "one"), site.quota_at(1, ours, "late")] {
        assert_eq!(quota["quota"], u64::MAX, "{quota}");
    }
}

/// Only our router knows the subclusters of which one is not there, and one hangs.
pub fn away(site: &Site) {
    let ours = site.ours();
    for mount in ["/away gone /d", "/hung hung /d", "/half ns0,gone $R/low -order HASH_ALL -faulttolerant"] {
        site.admin(ours, &format!("-add {mount}")).ok();
    }
    for mount in ["/away", "/hung", "/half", "/v/high"] {
        site.admin(ours, &format!("-setQuota {mount} -nsQuota 1000")).ok();
    }
    site.dfs(ours, &["-mkdir", "-p", "/v/high/x"]).ok();
    let number = |mount: &str| {
        let shown = site.shown(ours, mount);
        shown.strip_prefix("[NsQuota: 1000/").and_then(|rest| rest.split(',').next()?.parse::<u64>().ok())
    };
    let wait = |what: &str, holds: &dyn Fn() -> bool| net::wait_until(what, PATIENCE, holds).unwrap();
    wait("the others are counted", &|| number("/v/high") > Some(1) && number("/half") > Some(0));
    let (high, half) = (number("/v/high").unwrap(), number("/half").unwrap());
    site.dfs(ours, &["-mkdir", "-p", "/v/high/y", "/v/low/y"]).ok();
    let made = Instant::now();
    wait("they are counted again", &|| number("/v/high") == Some(high + 1) && number("/half") == Some(half + 1));
    // The one that hangs is given ten seconds.
    assert!(made.elapsed() < Duration::from_secs(9), "{:?}", made.elapsed());
    assert_eq!(number("/away"), Some(0));
    for mount in ["/away", "/half"] {
        site.admin(ours, &format!("-rm {mount}")).ok();
    }
    site.admin(ours, "-clrQuota /v/high").ok();
}
