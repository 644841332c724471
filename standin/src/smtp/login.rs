//! AUTH PLAIN and LOGIN.

use std::io;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::behaviour::Behaviour;
use super::wire::Wire;

/// Lets a client log in: its user, or the reply that refuses it.
pub(super) async fn login(
    wire: &mut Wire,
    mechanism: &str,
    initial: Option<&str>,
    behaviour: &Behaviour,
) -> io::Result<Result<String, &'static str>> {
    let answer = match mechanism.to_ascii_uppercase().as_str() {
        "PLAIN" => plain(wire, initial).await?,
        "LOGIN" => with_login(wire, initial).await?,
        _ => return Ok(Err("504 5.5.4 Unrecognized authentication type")),
    };
    let Some((user, password)) = answer else {
        return Ok(Err("501 5.5.2 Cannot decode the response"));
    };
    let is_right = behaviour.credentials.as_ref().is_none_or(|known| known.user == user && known.password == password);
    Ok(if is_right { Ok(user) } else { Err("535 5.7.8 Authentication credentials invalid") })
}

/// `\0user\0password`, at once or when asked.
async fn plain(wire: &mut Wire, initial: Option<&str>) -> io::Result<Option<(String, String)>> {
    let response = match initial {
        Some(response) => response.to_owned(),
        None => asked(wire, "").await?,
    };
    let Some(decoded) = decoded(&response) else { return Ok(None) };
    let mut parts = decoded.split('\0').skip(1).map(str::to_owned);
    Ok(parts.next().zip(parts.next()))
}

/// First the user, then the password.
async fn with_login(wire: &mut Wire, initial: Option<&str>) -> io::Result<Option<(String, String)>> {
    let user = match initial {
        Some(response) => response.to_owned(),
        None => asked(wire, "Username:").await?,
    };
    let Some(user) = decoded(&user) else { return Ok(None) };
    let password = asked(wire, "Password:").await?;
    Ok(decoded(&password).map(|password| (user, password)))
}

async fn asked(wire: &mut Wire, challenge: &str) -> io::Result<String> {
    wire.say(&format!("334 {}", STANDARD.encode(challenge))).await?;
    wire.line().await?.ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
}

/// A lone `*`, by which a client gives up, is no base64 either.
fn decoded(response: &str) -> Option<String> {
    String::from_utf8(STANDARD.decode(response.trim()).ok()?).ok()
}
