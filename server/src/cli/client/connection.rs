//! One connection to one broker: one request at a time, in the newest version that both ends know.
//!
//! Runs on the tool's shard; owned by `cluster`. After any error it is of no more use and is dropped.

use std::io;
use std::net::ToSocketAddrs;
use std::time::Duration;

use bytes::BytesMut;
use corelog_protocol::client::{Answer, Session};
use corelog_protocol::messages::api_versions_request::ApiVersionsRequest;
use corelog_protocol::messages::api_versions_response::ApiVersionsResponse;
use corelog_protocol::{ApiKey, Request, frame};
use corelog_rt::map::HashMap;
use corelog_rt::net::{ReadHalf, Stream, WriteHalf};
use corelog_rt::time;

use super::error::{ClientError, check};

/// How long a connection may take to come about.
const CONNECT_TIME_MAX: Duration = Duration::from_secs(5);
/// How long an answer may take, beyond what the request itself asks the broker to wait.
pub const ANSWER_TIME_MAX: Duration = Duration::from_secs(30);
/// The largest answer that is taken in, in bytes.
const ANSWER_BYTES_MAX: usize = 512 << 20;
/// Room made for an answer at once; a broker that announces much must send it to get more.
const READ_BYTES: usize = 256 << 10;

/// A connection whose broker's versions are known.
pub struct Connection {
    address: String,
    session: Session,
    reader: ReadHalf,
    writer: WriteHalf,
    buffer: BytesMut,
    versions: HashMap<i16, (i16, i16)>,
}

impl Connection {
    /// Connects to `host:port` and asks which versions the broker knows.
    pub async fn open(host: &str, port: u16) -> Result<Self, ClientError> {
        let address = crate::config::endpoint::host_and_port(host, port);
        let stream =
            connect(host, port).await.map_err(|source| ClientError::Connect { address: address.clone(), source })?;
        let (reader, writer) = stream.split();
        let session = Session::new("corelog-cli");
        let mut connection =
            Self { address, session, reader, writer, buffer: BytesMut::new(), versions: HashMap::default() };
        connection.versions = connection.ask_versions().await?;
        Ok(connection)
    }

    /// Sends `request` in the newest version up to `version_max` that both ends know, and waits for the answer.
    pub async fn call<R: Request>(&mut self, request: &R, version_max: i16) -> Result<R::Response, ClientError> {
        let version = self.version::<R>(version_max)?;
        let answer = self.exchange(request, version, ANSWER_TIME_MAX).await?;
        answer.decode().map_err(|error| ClientError::nonsense(&self.address, &error))
    }

    /// Sends `request`, which the broker does not answer.
    pub async fn tell<R: Request>(&mut self, request: &R, version_max: i16) -> Result<(), ClientError> {
        let version = self.version::<R>(version_max)?;
        let mut encoded = self.session.one_way(request, version)?.1;
        self.writer.write_all(&mut encoded.slices).await.map_err(|source| self.lost(source))
    }

    /// Whether the broker knows an API at all.
    pub fn supports(&self, key: ApiKey) -> bool {
        self.versions.contains_key(&key.code())
    }

    fn version<R: Request>(&self, version_max: i16) -> Result<i16, ClientError> {
        let (min, max) = (R::KEY.decodable_min(), R::KEY.max_version().min(version_max));
        let known = self.versions.get(&R::KEY.code()).copied();
        known
            .map(|(broker_min, broker_max)| (broker_min.max(min), broker_max.min(max)))
            .filter(|(low, high)| low <= high)
            .map(|(_, high)| high)
            .ok_or_else(|| ClientError::Unsupported { address: self.address.clone(), api: R::KEY, min, max })
    }

    async fn ask_versions(&mut self) -> Result<HashMap<i16, (i16, i16)>, ClientError> {
        let request = ApiVersionsRequest {
            client_software_name: "corelog".into(),
            client_software_version: env!("CARGO_PKG_VERSION").into(),
        };
        let mut response = self.api_versions(&request, ApiKey::ApiVersions.max_version()).await?;
        if response.error_code == corelog_protocol::ErrorCode::UnsupportedVersion.code() {
            response = self.api_versions(&request, 0).await?;
        }
        check(response.error_code, None, || format!("versions of {}", self.address))?;
        Ok(response.api_keys.iter().map(|api| (api.api_key, (api.min_version, api.max_version))).collect())
    }

    async fn api_versions(
        &mut self,
        request: &ApiVersionsRequest,
        version: i16,
    ) -> Result<ApiVersionsResponse, ClientError> {
        let answer = self.exchange(request, version, CONNECT_TIME_MAX).await?;
        answer.decode().map_err(|error| ClientError::nonsense(&self.address, &error))
    }

    async fn exchange<R: Request>(
        &mut self,
        request: &R,
        version: i16,
        time_max: Duration,
    ) -> Result<Answer, ClientError> {
        let address = self.address.clone();
        time::timeout(time_max, self.send_and_receive(request, version)).await.unwrap_or(Err(ClientError::Silent {
            address,
            api: R::KEY,
            seconds: time_max.as_secs(),
        }))
    }

    async fn send_and_receive<R: Request>(&mut self, request: &R, version: i16) -> Result<Answer, ClientError> {
        let (_, mut encoded) = self.session.request(request, version)?;
        self.writer.write_all(&mut encoded.slices).await.map_err(|source| self.lost(source))?;
        loop {
            let whole = frame::split(&mut self.buffer, ANSWER_BYTES_MAX)
                .map_err(|error| ClientError::Nonsense { address: self.address.clone(), what: error.to_string() })?;
            if let Some(answer) = whole {
                return self.session.answer(answer).map_err(|error| ClientError::nonsense(&self.address, &error));
            }
            self.buffer.reserve(READ_BYTES);
            let read = self.reader.read(&mut self.buffer).await.map_err(|source| self.lost(source))?;
            if read == 0 {
                return Err(self.lost(io::Error::new(io::ErrorKind::UnexpectedEof, "the broker closed it")));
            }
        }
    }

    fn lost(&self, source: io::Error) -> ClientError {
        ClientError::Lost { address: self.address.clone(), source }
    }
}

/// Tries the addresses of the host in turn; the last one's error is told.
pub async fn connect(host: &str, port: u16) -> io::Result<Stream> {
    let mut failed = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    let mut addresses: Vec<_> = (host, port).to_socket_addrs()?.collect();
    addresses.sort();
    for address in addresses {
        match time::timeout(CONNECT_TIME_MAX, Stream::connect(address)).await {
            Ok(Ok(stream)) => return Ok(stream),
            Ok(Err(error)) => failed = error,
            Err(_) => failed = io::ErrorKind::TimedOut.into(),
        }
    }
    Err(failed)
}
