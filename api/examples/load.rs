//! The load of `make bench-api`, on connections that stay open. Prints one JSON line.
//!
//! `load ask ADDRESS PATH CONNECTIONS SECONDS RATE [HEADER]...`: as fast as it is answered where RATE is 0, else so many a second, evenly, and
//! latencies count from when a request was due (no coordinated omission). A `{n}` in the path becomes a number of its own each time.
//! `load hold ADDRESS PATH CONNECTIONS SECONDS [HEADER]...`: opens streams, says `open`, and keeps them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::yield_now;
use tokio::time::{Instant, sleep_until, timeout};

const SLEEPS_LATE: Duration = Duration::from_millis(1);
/// Of a buffer that grows.
const FIRST: usize = 64 << 10;
/// Longest head of an answer.
const HEAD: usize = 16 << 10;

type Fallible<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Fallible<()> {
    let mut words = std::env::args().skip(1);
    let mut next = move || words.next().ok_or("too few arguments");
    let (what, address, path) = (next()?, next()?, next()?);
    let (connections, seconds): (usize, f64) = (next()?.parse()?, next()?.parse()?);
    let rate: f64 = if what == "ask" { next()?.parse()? } else { 0.0 };
    let headers: Vec<String> = std::iter::from_fn(|| next().ok()).collect();
    let load = Load { address, path, headers, sent: AtomicU64::new(0), began: Instant::now(), seconds, rate };
    match what.as_str() {
        "ask" => ask(load, connections).await,
        "hold" => hold(load, connections).await,
        what => Err(format!("`{what}` is neither ask nor hold").into()),
    }
}

struct Load {
    address: String,
    path: String,
    headers: Vec<String>,
    sent: AtomicU64,
    began: Instant,
    seconds: f64,
    rate: f64,
}

impl Load {
    async fn connect(&self) -> std::io::Result<TcpStream> {
        let stream = TcpStream::connect(&self.address).await?;
        stream.set_nodelay(true)?;
        Ok(stream)
    }

    fn request(&self, number: u64) -> Vec<u8> {
        let path = self.path.replace("{n}", &number.to_string());
        let headers: String = self.headers.iter().map(|header| format!("{header}\r\n")).collect();
        format!("GET {path} HTTP/1.1\r\nhost: {}\r\n{headers}\r\n", self.address).into_bytes()
    }

    /// When a request is due; `None` once time is up.
    fn due(&self, number: u64) -> Option<Instant> {
        let due = if self.rate > 0.0 { self.began + Duration::from_secs_f64(number as f64 / self.rate) } else { Instant::now() };
        (due < self.began + Duration::from_secs_f64(self.seconds)).then_some(due)
    }
}

async fn ask(mut load: Load, connections: usize) -> Fallible<()> {
    let mut streams = Vec::with_capacity(connections);
    for _ in 0..connections {
        streams.push(load.connect().await?);
    }
    load.began = Instant::now();
    let load = Arc::new(load);
    let tasks: Vec<_> = streams.into_iter().map(|stream| tokio::spawn(ask_on_one(Arc::clone(&load), stream))).collect();
    let (mut micros, mut refused, mut bytes) = (Vec::new(), 0, 0);
    for task in tasks {
        let (some, wrong, length) = task.await??;
        micros.extend(some);
        refused += wrong;
        bytes = bytes.max(length);
    }
    micros.sort_unstable();
    let at = |share: f64| micros.get((micros.len() as f64 * share) as usize).copied().unwrap_or_default() as f64 / 1e3;
    let seconds = load.began.elapsed().as_secs_f64();
    say(&format!(
        r#"{{"answers": {}, "refused": {refused}, "bytes": {bytes}, "seconds": {seconds:.3}, "p50_ms": {:.3}, "p99_ms": {:.3}, "max_ms": {:.3}}}"#,
        micros.len(),
        at(0.5),
        at(0.99),
        at(1.0 - f64::EPSILON),
    ));
    Ok(())
}

/// Microseconds of each answer, how many were not 200 or 304, and the length of the last.
async fn ask_on_one(load: Arc<Load>, mut stream: TcpStream) -> Fallible<(Vec<u64>, u64, usize)> {
    let (mut micros, mut refused, mut length) = (Vec::new(), 0, 0);
    let mut buffer = Vec::new();
    loop {
        let number = load.sent.fetch_add(1, Ordering::Relaxed);
        let Some(due) = load.due(number) else { return Ok((micros, refused, length)) };
        wait_until(due).await;
        stream.write_all(&load.request(number)).await?;
        let is_good;
        (is_good, length) = answer(&mut stream, &mut buffer).await?;
        refused += u64::from(!is_good);
        micros.push(u64::try_from(due.elapsed().as_micros())?);
    }
}

/// A sleep ends up to a millisecond late, which is longer than an answer takes: the rest is awaited by looking, whenever the server does not want
/// the processor.
async fn wait_until(due: Instant) {
    if due > Instant::now() + 2 * SLEEPS_LATE {
        sleep_until(due - SLEEPS_LATE).await;
    }
    while due > Instant::now() {
        std::thread::yield_now();
        yield_now().await;
    }
}

/// Whether it is 200 or 304, and how long it is.
async fn answer(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Fallible<(bool, usize)> {
    let mut filled = 0;
    // Of the whole answer, once its head is there, and whether it is good.
    let mut length = None;
    loop {
        if filled == buffer.len() {
            buffer.resize(filled.max(FIRST) * 2, 0);
        }
        let read = stream.read(&mut buffer[filled..]).await?;
        if read == 0 {
            return Err("the server hung up".into());
        }
        filled += read;
        if length.is_none()
            && let Some(head) = buffer[..filled.min(HEAD)].windows(4).position(|bytes| bytes == b"\r\n\r\n")
        {
            let text = std::str::from_utf8(&buffer[..head])?;
            let body = text.lines().find_map(|line| line.strip_prefix("content-length: ")).map_or(Ok(0), str::parse::<usize>)?;
            length = Some((text.starts_with("HTTP/1.1 200") || text.starts_with("HTTP/1.1 304"), head + 4 + body));
        }
        match length {
            Some((is_good, length)) if filled >= length => return Ok((is_good, length)),
            _ => {}
        }
    }
}

async fn hold(load: Load, connections: usize) -> Fallible<()> {
    let mut streams = Vec::with_capacity(connections);
    let mut buffer = vec![0; 4096];
    for number in 0..connections {
        let mut stream = TcpStream::connect(&load.address).await?;
        stream.write_all(&load.request(number as u64)).await?;
        let read = timeout(Duration::from_secs(10), stream.read(&mut buffer)).await??;
        if !buffer[..read].starts_with(b"HTTP/1.1 200") {
            return Err(String::from_utf8_lossy(&buffer[..read]).into_owned().into());
        }
        streams.push(stream);
    }
    say("open");
    tokio::time::sleep(Duration::from_secs_f64(load.seconds)).await;
    Ok(())
}

#[expect(clippy::print_stdout, reason = "what it is for")]
fn say(text: &str) {
    println!("{text}");
}
