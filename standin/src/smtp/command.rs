//! What a client says.

/// One line of a client, outside a message.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Command<'a> {
    Ehlo(&'a str),
    Helo(&'a str),
    Auth {
        mechanism: &'a str,
        initial: Option<&'a str>,
    },
    Mail(Path<'a>),
    Rcpt(Path<'a>),
    Data,
    Rset,
    Noop,
    Vrfy,
    StartTls,
    Quit,
    /// A known word with a wrong rest.
    Malformed,
    Unknown,
}

/// An address between angle brackets, and the parameters after it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Path<'a> {
    pub(super) address: &'a str,
    pub(super) parameters: Vec<&'a str>,
}

impl<'a> Command<'a> {
    pub(super) fn parse(line: &'a str) -> Self {
        let (word, rest) = line.trim_end().split_once(' ').unwrap_or((line.trim_end(), ""));
        let rest = rest.trim();
        match word.to_ascii_uppercase().as_str() {
            "EHLO" if !rest.is_empty() => Command::Ehlo(rest),
            "HELO" if !rest.is_empty() => Command::Helo(rest),
            "AUTH" if !rest.is_empty() => {
                let mut words = rest.split_whitespace();
                Command::Auth { mechanism: words.next().unwrap_or_default(), initial: words.next() }
            }
            "MAIL" => path(rest, "FROM:").map_or(Command::Malformed, Command::Mail),
            "RCPT" => path(rest, "TO:").map_or(Command::Malformed, Command::Rcpt),
            "EHLO" | "HELO" | "AUTH" => Command::Malformed,
            "DATA" => Command::Data,
            "RSET" => Command::Rset,
            "NOOP" => Command::Noop,
            "VRFY" => Command::Vrfy,
            "STARTTLS" => Command::StartTls,
            "QUIT" => Command::Quit,
            _ => Command::Unknown,
        }
    }
}

fn path<'a>(rest: &'a str, word: &str) -> Option<Path<'a>> {
    let (found, rest) = rest.split_at_checked(word.len())?;
    let (address, parameters) = rest.trim_start().strip_prefix('<')?.split_once('>')?;
    let is_plain = address.len() <= 254 && !address.contains(|letter: char| letter.is_whitespace() || letter == '<');
    (found.eq_ignore_ascii_case(word) && is_plain).then(|| Path { address, parameters: parameters.split_whitespace().collect() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_commands_whatever_their_case() {
        assert_eq!(Command::parse("ehlo shop.test\r\n"), Command::Ehlo("shop.test"));
        let path = Path { address: "a@example.test", parameters: vec!["SIZE=10", "BODY=8BITMIME"] };
        assert_eq!(Command::parse("Mail From:<a@example.test> SIZE=10 BODY=8BITMIME\r\n"), Command::Mail(path));
        assert_eq!(Command::parse("RCPT TO: <b@example.test>"), Command::Rcpt(Path { address: "b@example.test", parameters: Vec::new() }));
        assert_eq!(Command::parse("AUTH PLAIN AGE="), Command::Auth { mechanism: "PLAIN", initial: Some("AGE=") });
        for wrong in ["MAIL", "MAIL FROM:a@example.test", "RCPT TO:<a b@example.test>", "RCPT FRÖM:<a>", "EHLO", "AUTH "] {
            assert_eq!(Command::parse(wrong), Command::Malformed, "{wrong}");
        }
        assert_eq!([Command::parse(""), Command::parse("GET / HTTP/1.1")], [Command::Unknown, Command::Unknown]);
    }
}
