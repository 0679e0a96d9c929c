//! How a client's address is told to those who look at its group: as Java prints it.
//!
//! Pure.

use std::fmt::Write as _;
use std::net::IpAddr;

use corelog_protocol::Text;

/// A slash and the address; one of version 6 in eight groups, none of them left out.
pub fn host_of(address: IpAddr) -> Text {
    let mut host = String::from("/");
    match address.to_canonical() {
        IpAddr::V4(address) => {
            let _ = write!(host, "{address}");
        }
        IpAddr::V6(address) => {
            for (index, part) in address.segments().iter().enumerate() {
                let _ = write!(host, "{}{part:x}", if index == 0 { "" } else { ":" });
            }
        }
    }
    Text::from(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_read_as_in_java() {
        let host = |text: &str| host_of(text.parse().unwrap());
        assert_eq!(host("127.0.0.1"), "/127.0.0.1");
        assert_eq!(host("::1"), "/0:0:0:0:0:0:0:1");
        assert_eq!(host("::ffff:10.0.0.1"), "/10.0.0.1");
    }
}
