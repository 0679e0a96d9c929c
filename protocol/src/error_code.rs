//! Kafka's error codes: number, name, whether a client may retry. Handlers choose them; nothing else in the broker does.

include!(concat!(env!("OUT_DIR"), "/error_code.rs"));

impl ErrorCode {
    /// Kafka's number, as responses carry it.
    pub const fn code(self) -> i16 {
        self as i16
    }

    /// Whether this is an error at all.
    pub const fn is_error(self) -> bool {
        !matches!(self, ErrorCode::None)
    }
}

impl From<ErrorCode> for i16 {
    fn from(code: ErrorCode) -> i16 {
        code.code()
    }
}

impl std::fmt::Display for ErrorCode {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.name())
    }
}
