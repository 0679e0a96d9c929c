//! The API table: numbers, names, version ranges, and which header goes with which version. Pure facts.

include!(concat!(env!("OUT_DIR"), "/api.rs"));

pub(crate) struct ApiFacts {
    name: &'static str,
    advertised: (i16, i16),
    decodable: (i16, i16),
    flexible_from: i16,
}

impl ApiKey {
    /// Kafka's number.
    pub const fn code(self) -> i16 {
        self as i16
    }

    /// Kafka's name, such as `Fetch`.
    pub const fn name(self) -> &'static str {
        self.facts().name
    }

    /// The first version that a broker advertises. For Produce this is below [`ApiKey::decodable_min`]: older librdkafka
    /// turns compression off unless version 0 is listed, though such requests are refused.
    pub const fn min_version(self) -> i16 {
        self.facts().advertised.0
    }

    /// The last version that a broker advertises.
    pub const fn max_version(self) -> i16 {
        self.facts().advertised.1
    }

    /// The first version that can be decoded.
    pub const fn decodable_min(self) -> i16 {
        self.facts().decodable.0
    }

    /// The last version that can be decoded; may be above what is advertised, where Kafka calls it unstable.
    pub const fn decodable_max(self) -> i16 {
        self.facts().decodable.1
    }

    /// Whether a request of this version can be decoded.
    pub const fn can_decode(self, version: i16) -> bool {
        self.decodable_min() <= version && version <= self.decodable_max()
    }

    /// Whether this version has compact lengths and tagged fields.
    pub const fn is_flexible(self, version: i16) -> bool {
        version >= self.facts().flexible_from
    }

    /// The version of the request header that comes before a request of this version, known or not.
    pub const fn request_header_version(self, version: i16) -> i16 {
        if self.is_flexible(version) { 2 } else { 1 }
    }

    /// The version of the response header that comes before a response of this version. `ApiVersions` always has version 0,
    /// since a client reads its answer before it knows what the broker speaks.
    pub const fn response_header_version(self, version: i16) -> i16 {
        if self.is_flexible(version) && !matches!(self, ApiKey::ApiVersions) { 1 } else { 0 }
    }
}

impl std::fmt::Display for ApiKey {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.name())
    }
}
