//! One article has many links: with campaign marks, for phones, on pages of its own. They are made one.

use url::Url;

/// Query parts that say where the reader came from, not what is read.
const MARKS: [&str; 10] = ["gclid", "fbclid", "igshid", "ref", "amp", "outputtype", "ocid", "cmpid", "page_source", "s"];
/// Hosts of one paper.
const HOSTS: [&str; 3] = ["www.", "m.", "amp."];

/// The link without what does not name the article; `None` for one that leads to no web page.
#[must_use]
pub fn normalised(link: &str) -> Option<String> {
    let url = Url::parse(link.trim()).ok().filter(|url| matches!(url.scheme(), "http" | "https"))?;
    let host = url.host_str()?.to_ascii_lowercase();
    let mut host = host.as_str();
    while let Some(rest) = HOSTS.iter().find_map(|prefix| host.strip_prefix(prefix).filter(|rest| rest.contains('.'))) {
        host = rest;
    }
    let mut parts: Vec<&str> = url.path().split('/').filter(|part| !part.is_empty()).collect();
    while parts.first() == Some(&"amp") {
        parts.remove(0);
    }
    while parts.last() == Some(&"amp") {
        parts.pop();
    }
    let is_mark = |name: &str| {
        let name = name.to_ascii_lowercase();
        name.starts_with("utm_") || MARKS.contains(&name.as_str())
    };
    let mut query: Vec<String> = url.query().unwrap_or_default().split('&').filter(|part| !part.is_empty()).map(str::to_owned).collect();
    query.retain(|part| !is_mark(part.split('=').next().unwrap_or_default()));
    query.sort();
    let port = url.port().filter(|port| *port != 443).map(|port| format!(":{port}")).unwrap_or_default();
    let query = if query.is_empty() { String::new() } else { format!("?{}", query.join("&")) };
    Some(format!("https://{host}{port}/{}{query}", parts.join("/")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_of_one_article_are_one() {
        let links = [
            "https://www.warta.example.test/kuliner/ayam-geprek?utm_source=google&utm_medium=news",
            "http://warta.example.test/kuliner/ayam-geprek/",
            "https://warta.example.test/amp/kuliner/ayam-geprek",
            "https://amp.warta.example.test/kuliner/ayam-geprek/amp?fbclid=x#komentar",
            "https://WARTA.example.test/kuliner/ayam-geprek",
            "http://www.m.warta.example.test:443/amp/amp/kuliner/ayam-geprek?UTM_source=x",
        ];
        for link in links {
            assert_eq!(normalised(link).as_deref(), Some("https://warta.example.test/kuliner/ayam-geprek"), "{link}");
        }
        assert_eq!(normalised("https://a.test/read?id=7&page=2").as_deref(), Some("https://a.test/read?id=7&page=2"));
        assert_ne!(normalised("https://a.test/read?id=7"), normalised("https://a.test/read?id=8"));
        assert_eq!(normalised("javascript:alert(1)"), None);
        assert_eq!(normalised("data:text/html,hello"), None);
        assert_eq!(normalised("not a link"), None);
    }
}
