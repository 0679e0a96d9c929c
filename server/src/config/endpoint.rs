//! `listeners` and `advertised.listeners`: `NAME://host:port` lists, as Kafka writes them.
//!
//! Pure but for name resolution in [`Endpoint::addresses`]; runs before any shard exists.

use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs};
use std::str::FromStr;

/// One listener.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// The listener's name in upper case, `PLAINTEXT` by default.
    pub name: String,
    /// Host name or address without brackets; empty means all interfaces.
    pub host: String,
    /// 0 lets the system choose.
    pub port: u16,
}

/// Text that is no listener.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EndpointError {
    /// Not `NAME://host:port`.
    #[error("\"{0}\" is not NAME://host:port, e.g. PLAINTEXT://localhost:9092")]
    Shape(String),
    /// The port is no number from 0 to 65535.
    #[error("\"{0}\" has no port from 0 to 65535 at its end")]
    Port(String),
    /// Two listeners of one name.
    #[error("two listeners are called \"{0}\"; each needs a name of its own")]
    SameName(String),
    /// Two listeners on one port of one host.
    #[error("two listeners are on \"{0}\"; each needs a port of its own")]
    SamePort(String),
    /// No listener at all.
    #[error("expected at least one listener, e.g. PLAINTEXT://localhost:9092")]
    None,
}

impl Endpoint {
    /// Whether it stands for all interfaces, which is no address that a client could be told.
    pub fn is_wildcard(&self) -> bool {
        self.host.is_empty() || IpAddr::from_str(&self.host).is_ok_and(|address| address.is_unspecified())
    }

    /// The addresses to listen on; a name may have several, e.g. `localhost` 127.0.0.1 and `::1`.
    pub fn addresses(&self) -> io::Result<Vec<SocketAddr>> {
        if self.host.is_empty() {
            let any = if has_ipv6() { IpAddr::V6(Ipv6Addr::UNSPECIFIED) } else { IpAddr::V4(Ipv4Addr::UNSPECIFIED) };
            return Ok(vec![SocketAddr::new(any, self.port)]);
        }
        let mut addresses: Vec<_> = (self.host.as_str(), self.port).to_socket_addrs()?.collect();
        addresses.sort();
        addresses.dedup();
        if addresses.len() > 1 && !has_ipv6() {
            addresses.retain(SocketAddr::is_ipv4);
        }
        if addresses.is_empty() {
            return Err(io::Error::new(io::ErrorKind::NotFound, "the name has no address"));
        }
        Ok(addresses)
    }
}

/// Whether any interface has an IPv6 address; with the protocol turned off, binding `::` fails.
fn has_ipv6() -> bool {
    corelog_tuning::root::Root::real().read("/proc/net/if_inet6").is_ok_and(|text| !text.is_empty())
}

impl fmt::Display for Endpoint {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}://{}", self.name, host_and_port(&self.host, self.port))
    }
}

/// `host:port`, with brackets around an IPv6 address.
pub fn host_and_port(host: &str, port: u16) -> String {
    if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
}

/// The host and port of `host:port`, `[address]:port` or `:port`.
pub fn parse_host_and_port(text: &str) -> Result<(&str, u16), EndpointError> {
    let (host, port) = text.rsplit_once(':').ok_or_else(|| EndpointError::Port(text.to_owned()))?;
    let port = port.parse().map_err(|_| EndpointError::Port(text.to_owned()))?;
    let host = match host.strip_prefix('[') {
        Some(rest) => rest.strip_suffix(']').ok_or_else(|| EndpointError::Shape(text.to_owned()))?,
        None if host.contains(':') => return Err(EndpointError::Shape(text.to_owned())),
        None => host,
    };
    Ok((host, port))
}

/// All listeners of a comma-separated list, names and ports all different.
pub fn parse_list(text: &str) -> Result<Vec<Endpoint>, EndpointError> {
    let mut endpoints: Vec<Endpoint> = Vec::new();
    for item in text.split(',').map(str::trim).filter(|item| !item.is_empty()) {
        let (name, address) = item.split_once("://").ok_or_else(|| EndpointError::Shape(item.to_owned()))?;
        let name = name.trim().to_ascii_uppercase();
        if name.is_empty() {
            return Err(EndpointError::Shape(item.to_owned()));
        }
        let (host, port) = parse_host_and_port(address)?;
        if endpoints.iter().any(|other| other.name == name) {
            return Err(EndpointError::SameName(name));
        }
        if port != 0 && endpoints.iter().any(|other| other.port == port && other.host == host) {
            return Err(EndpointError::SamePort(host_and_port(host, port)));
        }
        endpoints.push(Endpoint { name, host: host.to_owned(), port });
    }
    if endpoints.is_empty() { Err(EndpointError::None) } else { Ok(endpoints) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoint(name: &str, host: &str, port: u16) -> Endpoint {
        Endpoint { name: name.to_owned(), host: host.to_owned(), port }
    }

    #[test]
    fn a_list_gives_every_listener() {
        assert_eq!(
            parse_list("plaintext://:9092, IN://[::1]:0,OUT://broker-1.example:19092").unwrap(),
            [endpoint("PLAINTEXT", "", 9092), endpoint("IN", "::1", 0), endpoint("OUT", "broker-1.example", 19092)]
        );
    }

    #[test]
    fn what_is_no_listener_is_refused() {
        for (text, error) in [
            ("localhost:9092", EndpointError::Shape("localhost:9092".into())),
            ("PLAINTEXT://localhost", EndpointError::Port("localhost".into())),
            ("PLAINTEXT://localhost:90920", EndpointError::Port("localhost:90920".into())),
            ("PLAINTEXT://::1:9092", EndpointError::Shape("::1:9092".into())),
            ("A://:1,A://:2", EndpointError::SameName("A".into())),
            ("A://x:1,B://x:1", EndpointError::SamePort("x:1".into())),
            (" , ", EndpointError::None),
        ] {
            assert_eq!(parse_list(text), Err(error), "{text}");
        }
    }

    #[test]
    fn wildcards_are_told_from_hosts() {
        for host in ["", "0.0.0.0", "::"] {
            assert!(endpoint("A", host, 1).is_wildcard(), "{host}");
        }
        assert!(!endpoint("A", "127.0.0.1", 1).is_wildcard());
    }

    #[test]
    fn an_address_prints_as_it_parses() {
        for text in ["A://localhost:1", "A://[::1]:2", "A://:3"] {
            assert_eq!(parse_list(text).unwrap()[0].to_string(), text);
        }
    }

    #[test]
    fn localhost_resolves_to_loopback() {
        let addresses = endpoint("A", "localhost", 9092).addresses().unwrap();
        assert!(addresses.iter().all(|address| address.ip().is_loopback()), "{addresses:?}");
    }
}
