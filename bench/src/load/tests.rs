use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::thread;

use super::*;
use crate::op::named;
use crate::protobuf::{Value, find, put_bytes, put_delimited, put_number, take_delimited};

/// A server that answers each call with what `answer` makes of its method.
fn server(answer: fn(&str) -> Result<Vec<u8>, &'static str>) -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            thread::spawn(move || serve(stream, answer));
        }
    });
    address
}

/// Ends with the connection, whose client has all it wants by then.
fn serve(mut stream: TcpStream, answer: fn(&str) -> Result<Vec<u8>, &'static str>) -> Option<()> {
    stream.read_exact(&mut [0; 7]).ok()?;
    take_frame(&mut stream)?;
    loop {
        let frame = take_frame(&mut stream)?;
        let mut frame = &frame[..];
        let header = take_delimited(&mut frame)?;
        let method = take_delimited(&mut frame)?;
        let Some(Value::Number(zigzag)) = find(header, 3) else { return None };
        let Some(Value::Bytes(method)) = find(method, 1) else { return None };
        let mut reply = Vec::new();
        let mut header = Vec::new();
        put_number(&mut header, 1, zigzag / 2);
        match answer(std::str::from_utf8(method).ok()?) {
            Ok(body) => {
                put_number(&mut header, 2, 0);
                put_delimited(&mut reply, &header);
                put_delimited(&mut reply, &body);
            }
            Err(class) => {
                put_number(&mut header, 2, 1);
                put_bytes(&mut header, 4, class.as_bytes());
                put_delimited(&mut reply, &header);
            }
        }
        stream.write_all(&[&(reply.len() as u32).to_be_bytes(), &reply[..]].concat()).ok()?;
    }
}

fn take_frame(stream: &mut TcpStream) -> Option<Vec<u8>> {
    let mut length = [0; 4];
    stream.read_exact(&mut length).ok()?;
    let mut frame = vec![0; u32::from_be_bytes(length) as usize];
    stream.read_exact(&mut frame).ok()?;
    Some(frame)
}

fn load(address: SocketAddr, op: &str, shape: &str, goal: Goal) -> Load {
    let op = named(op).unwrap();
    let shape = shape.parse().unwrap();
    Load { address, op, path: "/f".to_owned(), shape, user: "u".to_owned(), users: 1, goal }
}

fn present(_: &str) -> Result<Vec<u8>, &'static str> {
    Ok(vec![0x0a, 2, 8, 1])
}

#[test]
fn counted_operations_are_all_made_and_measured() {
    let ok = server(|method| if method == "complete" { Ok(vec![8, 1]) } else { Ok(Vec::new()) });
    let outcome = load(ok, "create", "3x4", Goal::Count(100)).drive(&[]).unwrap();
    assert_eq!(outcome.operations, 100);
    assert_eq!(outcome.answer_bytes, 2.0);
    assert!(outcome.failures.is_empty() && outcome.latency_us.p50 > 0.0);
    assert!(outcome.processes.contains_key("generator"));
}

#[test]
fn time_ends_a_load_and_exceptions_are_counted_by_class() {
    let goal = Goal::Time { warmup: Duration::ZERO, measure: Duration::from_millis(100) };
    let outcome = load(server(present), "stat", "2x2", goal).drive(&[]).unwrap();
    assert!(outcome.operations > 0 && outcome.failures.is_empty(), "{outcome:?}");
    assert!(outcome.seconds >= 0.1);

    let standby = server(|_| Err("org.apache.hadoop.ipc.StandbyException"));
    let outcome = load(standby, "stat", "1", goal).drive(&[]).unwrap();
    assert_eq!(outcome.operations, 0);
    assert!(outcome.failures["org.apache.hadoop.ipc.StandbyException"] > 0);
}

#[test]
fn idle_connections_stay_until_the_end() {
    let goal = Goal::Time { warmup: Duration::ZERO, measure: Duration::from_millis(50) };
    let outcome = load(server(present), "idle", "20", goal).drive(&[]).unwrap();
    assert_eq!((outcome.operations, outcome.failures.len()), (0, 0));
}

#[test]
fn a_server_that_is_not_there_is_an_error() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let error = load(address, "stat", "2", Goal::Count(1)).drive(&[]).unwrap_err();
    assert!(matches!(error, LoadError::NoConnection { .. }), "{error}");
}

#[test]
fn users_are_taken_in_turn() {
    let mut load = load(server(present), "stat", "4", Goal::Count(1));
    load.users = 2;
    assert_eq!((0..4).map(|index| load.user_of(index)).collect::<Vec<_>>(), ["u0", "u1", "u0", "u1"]);
}
