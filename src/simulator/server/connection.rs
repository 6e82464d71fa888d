//! One connection: requests read from a buffer, replies delivered in whole or in ruins.

use std::{io, sync::Arc, time::Duration};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    task::JoinSet,
};
use tokio_util::sync::CancellationToken;

use crate::simulator::gateway::{Delivery, Gateway, Reply, Request};

/// A request with more headers than this is cut off.
const HEAD_BYTES_MAX: usize = 64 * 1024;
/// How long the first half of a body gets to reach the client before the reset.
const BEFORE_RESET: Duration = Duration::from_millis(20);

/// Accepts until stopped, then closes every connection.
pub(super) async fn serve(listener: TcpListener, gateway: Arc<Gateway>, stop: CancellationToken) {
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => break,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, _)) => {
                let gateway = gateway.clone();
                connections.spawn(async move {
                    // A client that goes away is its own business.
                    let _ = converse(stream, &gateway).await;
                });
            }
            // Out of descriptors, most likely: some will be free again soon.
            Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
        }
        while connections.try_join_next().is_some() {}
    }
    drop(listener);
    connections.shutdown().await;
}

/// Answers the requests of one connection, one after the other.
async fn converse(mut stream: TcpStream, gateway: &Gateway) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut buffer = Vec::with_capacity(4 * 1024);
    loop {
        let Some(head_len) = read_head(&mut stream, &mut buffer).await? else {
            return Ok(());
        };
        let (reply, keep_alive) = {
            let head = String::from_utf8_lossy(&buffer[..head_len]);
            let Some(request) = parse(&head) else {
                return refuse(&mut stream).await;
            };
            let keep_alive = keeps_alive(&request);
            (gateway.answer(&request), keep_alive)
        };
        buffer.drain(..head_len);
        if !reply.delay.is_zero() {
            tokio::time::sleep(reply.delay).await;
        }
        gateway.let_go();
        if !deliver(&mut stream, reply, keep_alive).await? {
            return Ok(());
        }
    }
}

/// Reads until the end of the headers; `None` if the client has hung up or sends too much.
async fn read_head(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> io::Result<Option<usize>> {
    let mut searched = 0;
    loop {
        let from = usize::saturating_sub(searched, 3);
        let end = buffer[from..]
            .windows(4)
            .position(|four| four == b"\r\n\r\n");
        if let Some(end) = end {
            return Ok(Some(from + end + 4));
        }
        searched = buffer.len();
        if buffer.len() > HEAD_BYTES_MAX || stream.read_buf(buffer).await? == 0 {
            return Ok(None);
        }
    }
}

fn parse(head: &str) -> Option<Request<'_>> {
    let mut lines = head.split("\r\n");
    let mut first = lines.next()?.split(' ');
    let (method, target, version) = (first.next()?, first.next()?, first.next()?);
    if !target.starts_with('/') || !version.starts_with("HTTP/1.") {
        return None;
    }
    let headers = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name, value.trim()))
        .collect();
    Some(Request {
        method,
        target,
        headers,
    })
}

/// A request with a body ends the connection, since the body is not read.
fn keeps_alive(request: &Request<'_>) -> bool {
    let closes = request
        .header("connection")
        .is_some_and(|value| value.eq_ignore_ascii_case("close"));
    !closes
        && request.method == "GET"
        && request.header("transfer-encoding").is_none()
        && request
            .header("content-length")
            .is_none_or(|length| length == "0")
}

async fn refuse(stream: &mut TcpStream) -> io::Result<()> {
    let reply = b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
    stream.write_all(reply).await
}

/// Sends the reply; false if the connection is at its end.
async fn deliver(stream: &mut TcpStream, reply: Reply, keep_alive: bool) -> io::Result<bool> {
    let keep_alive = keep_alive && !matches!(reply.delivery, Delivery::Declaring(_));
    let mut bytes = reply.head(keep_alive);
    match reply.delivery {
        Delivery::Whole | Delivery::Declaring(_) => {
            bytes.extend_from_slice(&reply.body);
            stream.write_all(&bytes).await?;
        }
        Delivery::ResetAfter(length) => {
            bytes.extend_from_slice(&reply.body[..length]);
            stream.write_all(&bytes).await?;
            tokio::time::sleep(BEFORE_RESET).await;
            stream.set_zero_linger()?;
            return Ok(false);
        }
        Delivery::ByteEvery(pause) => {
            stream.write_all(&bytes).await?;
            for byte in reply.body {
                tokio::time::sleep(pause).await;
                stream.write_all(&[byte]).await?;
            }
        }
    }
    if !keep_alive {
        stream.shutdown().await?;
    }
    Ok(keep_alive)
}
