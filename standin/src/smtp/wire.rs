//! Lines and messages on the wire, bounded in length and in time.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// The longest line of a command; RFC 5321 asks for 512, and a login needs more.
const LONGEST_LINE: u64 = 4 * 1024;
/// Messages are read in pieces of at most so much, for lines of a body may have any length.
const LONGEST_PIECE: u64 = 64 * 1024;
/// How long a client may be silent.
const PATIENCE: Duration = Duration::from_secs(300);

pub(super) struct Wire {
    stream: BufReader<TcpStream>,
}

/// What came after DATA.
pub(super) enum Received {
    Message(Vec<u8>),
    TooLarge,
}

impl Wire {
    pub(super) fn new(stream: TcpStream) -> Self {
        Wire { stream: BufReader::new(stream) }
    }

    /// The next line; none where the client has gone. One that is too long ends the conversation.
    pub(super) async fn line(&mut self) -> io::Result<Option<String>> {
        let line = self.piece(LONGEST_LINE).await?;
        match line.last() {
            None => Ok(None),
            Some(b'\n') => Ok(Some(String::from_utf8_lossy(&line).trim_end_matches(['\r', '\n']).to_owned())),
            Some(_) => Err(io::Error::new(io::ErrorKind::InvalidData, "the line is too long or cut off")),
        }
    }

    /// One line of a message and no more of it.
    pub(super) async fn first_of_message(&mut self) -> io::Result<()> {
        self.piece(LONGEST_PIECE).await.map(drop)
    }

    /// A message up to the line that is a dot alone. Only CR and LF together end a line: otherwise a message could hide
    /// another one behind a bare LF.
    pub(super) async fn message(&mut self, max_bytes: usize) -> io::Result<Received> {
        let (mut message, mut is_too_large) = (Vec::new(), false);
        let (mut at_start, mut last) = (true, b'\n');
        loop {
            let piece = self.piece(LONGEST_PIECE).await?;
            if piece.is_empty() {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            if at_start && piece == b".\r\n" {
                return Ok(if is_too_large { Received::TooLarge } else { Received::Message(message) });
            }
            let content = if at_start { piece.strip_prefix(b".").unwrap_or(&piece) } else { &piece[..] };
            is_too_large |= message.len() + content.len() > max_bytes;
            if is_too_large {
                message = Vec::new();
            } else {
                message.extend_from_slice(content);
            }
            at_start = piece.ends_with(b"\r\n") || (last == b'\r' && piece == b"\n");
            last = piece.last().copied().unwrap_or(last);
        }
    }

    pub(super) async fn say(&mut self, reply: &str) -> io::Result<()> {
        self.stream.get_mut().write_all(format!("{reply}\r\n").as_bytes()).await
    }

    /// Up to and with the next LF; shorter where the client has gone or it is too long.
    async fn piece(&mut self, longest: u64) -> io::Result<Vec<u8>> {
        let mut piece = Vec::new();
        let mut bounded = (&mut self.stream).take(longest);
        timeout(PATIENCE, bounded.read_until(b'\n', &mut piece)).await.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??;
        Ok(piece)
    }
}
