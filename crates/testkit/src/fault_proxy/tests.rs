use tokio::time::{Instant, timeout};

use super::*;

const PATIENCE: Duration = Duration::from_secs(30);

/// A proxy in front of a server that sends back what it gets, and a connection through it.
async fn echo() -> (FaultProxy, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let target = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let (mut read, mut write) = stream.split();
                tokio::io::copy(&mut read, &mut write).await
            });
        }
    });
    let proxy = FaultProxy::start(target).await.unwrap();
    let client = TcpStream::connect(proxy.address()).await.unwrap();
    (proxy, client)
}

/// Sends four bytes and reads what comes back of them before the connection ends.
async fn ask(client: &mut TcpStream) -> usize {
    // Writing to a connection that is already cut fails, or the reading does.
    let _ = client.write_all(b"ping").await;
    let mut answer = [0; 4];
    let mut got = 0;
    while got < 4 {
        match timeout(PATIENCE, client.read(&mut answer[got..])).await.expect("no answer and no end") {
            Ok(0) | Err(_) => return got,
            Ok(more) => got += more,
        }
    }
    assert_eq!(&answer, b"ping");
    got
}

#[tokio::test]
async fn a_healthy_proxy_passes_everything() {
    let (proxy, mut client) = echo().await;
    assert_eq!(ask(&mut client).await, 4);
    assert_eq!((proxy.passed(Way::Requests), proxy.passed(Way::Replies), proxy.connections()), (4, 4, 1));
    client.shutdown().await.unwrap();
    assert_eq!(client.read(&mut [0]).await.unwrap(), 0, "the end of one way reaches the other side");
}

#[tokio::test]
async fn withheld_replies_pass_later_or_are_lost() {
    for (cuts, heals) in [(false, true), (true, false), (true, true)] {
        let (proxy, mut client) = echo().await;
        proxy.set(Way::Replies, Fault::Withhold);
        let asking = tokio::spawn(async move { (ask(&mut client).await, client) });
        proxy.stopped_more(Way::Replies, 0).await;
        assert_eq!((proxy.passed(Way::Requests), proxy.passed(Way::Replies)), (4, 0));
        if cuts {
            proxy.cut();
        }
        if heals {
            proxy.heal();
        }
        let (got, _) = asking.await.unwrap();
        assert_eq!(got, if cuts { 0 } else { 4 });
    }
}

#[tokio::test]
async fn a_stream_is_cut_in_its_middle_once() {
    for (way, passes) in [(Way::Requests, 6), (Way::Replies, 6), (Way::Replies, 0), (Way::Replies, 4)] {
        let (proxy, mut client) = echo().await;
        proxy.set(way, Fault::CutAfter(passes));
        if passes > 4 {
            assert_eq!(ask(&mut client).await, 4);
        }
        let got = ask(&mut client).await;
        match way {
            // The server may or may not get its answer out.
            Way::Requests => assert!(got <= 2),
            Way::Replies => assert_eq!(got as u64, if passes > 4 { passes - 4 } else { passes }),
        }
        assert_eq!(proxy.passed(way), passes);
        let mut again = TcpStream::connect(proxy.address()).await.unwrap();
        assert_eq!(ask(&mut again).await, 4);
    }
}

#[tokio::test]
async fn bytes_are_late_or_lost() {
    let (proxy, mut client) = echo().await;
    let delay = Duration::from_millis(50);
    proxy.set(Way::Requests, Fault::Delay(delay));
    let start = Instant::now();
    assert_eq!(ask(&mut client).await, 4);
    assert!(start.elapsed() >= delay);

    proxy.set(Way::Requests, Fault::Drop);
    client.write_all(b"lost").await.unwrap();
    proxy.stopped_more(Way::Requests, 0).await;
    proxy.heal();
    assert_eq!(ask(&mut client).await, 4);
    assert_eq!(proxy.stopped(Way::Requests), 4);
}

#[tokio::test]
async fn a_server_moves_or_is_away() {
    let (proxy, mut client) = echo().await;
    let (other, _client) = echo().await;
    assert_eq!(ask(&mut client).await, 4);
    proxy.refuse(true);
    assert_eq!(ask(&mut client).await, 4, "open connections stay");
    assert_eq!(ask(&mut TcpStream::connect(proxy.address()).await.unwrap()).await, 0);
    proxy.heal();
    proxy.retarget(other.address());
    assert_eq!(ask(&mut TcpStream::connect(proxy.address()).await.unwrap()).await, 4);
    assert_eq!(other.passed(Way::Requests), 4);
    drop(other);
    assert_eq!(ask(&mut TcpStream::connect(proxy.address()).await.unwrap()).await, 0);
}

#[tokio::test]
async fn a_peer_is_introduced_by_another_address() {
    let (proxy, mut client) = echo().await;
    assert_eq!(ask(&mut client).await, 4);
    proxy.introduce("ping", "pong");
    let mut client = TcpStream::connect(proxy.address()).await.unwrap();
    let mut answer = [0; 4];
    for expected in [b"pong", b"ping"] {
        client.write_all(b"ping").await.unwrap();
        timeout(PATIENCE, client.read_exact(&mut answer)).await.expect("in time").unwrap();
        assert_eq!(&answer, expected, "only the first bytes are changed");
    }
}
