//! What every generated message offers. Used by whoever encodes or decodes; holds no state.

use crate::{ApiKey, DecodeError, Decoder, EncodeError, Encoder, Reason};

/// One message of the protocol.
pub trait Message: Clone + std::fmt::Debug + Default + PartialEq + Sized {
    /// Kafka's name.
    const NAME: &'static str;
    /// The first version that exists.
    const VERSION_MIN: i16;
    /// The last version that exists.
    const VERSION_MAX: i16;

    /// Reads the fields of a version that exists; what the version lacks keeps its default. Called by [`Message::decode`].
    fn read(decoder: &mut Decoder, version: i16) -> Result<Self, DecodeError>;

    /// Writes the fields of a version that exists. Called by [`Message::encode`].
    fn write(&self, encoder: &mut Encoder, version: i16) -> Result<(), EncodeError>;

    /// Reads one message. Bytes after it stay in the decoder: [`Decoder::finish`] refuses them.
    fn decode(decoder: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        decoder.begin(Self::NAME, version);
        if version < Self::VERSION_MIN || version > Self::VERSION_MAX {
            return Err(decoder.fail("", Reason::Version { min: Self::VERSION_MIN, max: Self::VERSION_MAX }));
        }
        Self::read(decoder, version)
    }

    /// Appends one message. After an error the encoder holds a torn message and must be thrown away.
    fn encode(&self, encoder: &mut Encoder, version: i16) -> Result<(), EncodeError> {
        encoder.begin(Self::NAME, version);
        if version < Self::VERSION_MIN || version > Self::VERSION_MAX {
            return Err(encoder.not_in_version(""));
        }
        self.write(encoder, version)
    }
}

/// A request, with its API and the response that answers it.
pub trait Request: Message {
    /// The API.
    const KEY: ApiKey;
    /// What answers it.
    type Response: Message;
}
