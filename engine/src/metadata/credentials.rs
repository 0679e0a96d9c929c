//! Owns SCRAM credentials (RFC 5802): what is kept of a user's password, and the command that changes it.
//!
//! The image part is plain data on every shard; the command is a pure function of the state, on shard 0. A password is never seen here:
//! clients send it salted and iterated, and of that only the two keys are kept that verify a client and prove the server. Credentials
//! are stored and described; nothing here logs anybody in.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use hmac::digest::KeyInit;
use hmac::{Hmac, Mac};
use sha2::{Digest, Sha256, Sha512};
use thiserror::Error;

use super::error::MetadataError;
use super::record::MetadataRecord;
use super::state::{Decision, MetadataState};
use crate::limits::CREDENTIALS_MAX;

/// The fewest iterations that are accepted.
pub const ITERATIONS_MIN: i32 = 4096;
/// The most iterations that are accepted.
pub const ITERATIONS_MAX: i32 = 16384;

/// A mechanism, with Kafka's number for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ScramMechanism {
    /// SCRAM-SHA-256.
    Sha256 = 1,
    /// SCRAM-SHA-512.
    Sha512 = 2,
}

impl ScramMechanism {
    /// The mechanism that Kafka numbers so.
    pub fn from_number(number: i8) -> Option<ScramMechanism> {
        match number {
            1 => Some(ScramMechanism::Sha256),
            2 => Some(ScramMechanism::Sha512),
            _ => None,
        }
    }
}

/// What is kept of a password.
#[derive(Clone, PartialEq, Eq)]
pub struct ScramCredential {
    /// How often it was hashed.
    pub iterations: i32,
    /// What it was salted with.
    pub salt: Arc<[u8]>,
    /// Verifies a client's proof.
    pub stored_key: Arc<[u8]>,
    /// Signs the server's proof.
    pub server_key: Arc<[u8]>,
}

impl fmt::Debug for ScramCredential {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("ScramCredential").finish_non_exhaustive()
    }
}

impl ScramCredential {
    /// What is kept of a salted password; `None` where it is empty.
    pub fn derive(mechanism: ScramMechanism, iterations: i32, salt: &[u8], salted_password: &[u8]) -> Option<Self> {
        if salted_password.is_empty() {
            return None;
        }
        let (stored_key, server_key) = match mechanism {
            ScramMechanism::Sha256 => keys::<Hmac<Sha256>, Sha256>(salted_password)?,
            ScramMechanism::Sha512 => keys::<Hmac<Sha512>, Sha512>(salted_password)?,
        };
        Some(ScramCredential { iterations, salt: Arc::from(salt), stored_key, server_key })
    }
}

/// The stored key and the server key of RFC 5802, section 3.
type Keys = (Arc<[u8]>, Arc<[u8]>);

fn keys<M: Mac + KeyInit, H: Digest>(salted_password: &[u8]) -> Option<Keys> {
    let sign = |text: &[u8]| {
        let mut mac = <M as KeyInit>::new_from_slice(salted_password).ok()?;
        mac.update(text);
        Some(mac.finalize().into_bytes())
    };
    let client_key = sign(b"Client Key")?;
    Some((Arc::from(H::digest(client_key).as_slice()), Arc::from(sign(b"Server Key")?.as_slice())))
}

/// The credentials of one user.
pub type UserCredentials = BTreeMap<ScramMechanism, Arc<ScramCredential>>;

/// Every credential, by user and mechanism.
pub type ScramCredentials = BTreeMap<Arc<str>, UserCredentials>;

/// A credential to delete.
#[derive(Clone, Debug)]
pub struct CredentialDeletion {
    /// The user.
    pub user: String,
    /// Kafka's number of the mechanism.
    pub mechanism: i8,
}

/// A credential to set.
#[derive(Clone)]
pub struct CredentialUpsertion {
    /// The user.
    pub user: String,
    /// Kafka's number of the mechanism.
    pub mechanism: i8,
    /// How often the password was hashed.
    pub iterations: i32,
    /// What it was salted with.
    pub salt: Vec<u8>,
    /// What came out.
    pub salted_password: Vec<u8>,
}

/// Why a change of a user's credentials is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum CredentialError {
    /// The user comes twice.
    #[error("A user credential cannot be altered twice in the same request")]
    Repeated,
    /// The user has no name.
    #[error("Username must not be empty")]
    EmptyUser,
    /// No such mechanism.
    #[error("Unknown SCRAM mechanism")]
    UnknownMechanism,
    /// Too few iterations.
    #[error("Too few iterations")]
    TooFewIterations,
    /// Too many iterations.
    #[error("Too many iterations")]
    TooManyIterations,
    /// There is none to delete.
    #[error("Attempt to delete a user credential that does not exist")]
    NotThere,
    /// The salted password is empty.
    #[error("The salted password is empty")]
    EmptyPassword,
}

type UserResult = (String, Result<(), MetadataError>);

impl MetadataState {
    /// Changes credentials; one answer for each user that is named.
    pub fn alter_credentials(
        &self,
        deletions: &[CredentialDeletion],
        upsertions: &[CredentialUpsertion],
    ) -> Decision<Vec<UserResult>> {
        let mut results: BTreeMap<&str, Result<MetadataRecord, MetadataError>> = BTreeMap::new();
        let repeated = || Err(CredentialError::Repeated.into());
        let mut decide = |user, decided: &dyn Fn() -> Result<MetadataRecord, MetadataError>| {
            let result = match results.get(user) {
                Some(Err(_)) => return,
                Some(Ok(_)) => repeated(),
                None => decided(),
            };
            results.insert(user, result);
        };
        for deletion in deletions {
            decide(&deletion.user, &|| self.delete_credential(deletion));
        }
        for upsertion in upsertions {
            decide(&upsertion.user, &|| self.set_credential(upsertion));
        }
        let mut records = Vec::new();
        let mut answered = |(user, result): (&str, Result<MetadataRecord, MetadataError>)| {
            (user.to_owned(), result.map(|record| records.push(record)))
        };
        let answer = results.into_iter().map(&mut answered).collect();
        Decision { records, answer }
    }

    fn delete_credential(&self, deletion: &CredentialDeletion) -> Result<MetadataRecord, MetadataError> {
        let mechanism = checked_mechanism(&deletion.user, deletion.mechanism)?;
        let user = self.image.credentials().get_key_value(deletion.user.as_str());
        let (user, _) = user.filter(|(_, set)| set.contains_key(&mechanism)).ok_or(CredentialError::NotThere)?;
        Ok(MetadataRecord::Credential { user: Arc::clone(user), mechanism, credential: None })
    }

    fn set_credential(&self, upsertion: &CredentialUpsertion) -> Result<MetadataRecord, MetadataError> {
        let mechanism = checked_mechanism(&upsertion.user, upsertion.mechanism)?;
        if upsertion.iterations < ITERATIONS_MIN {
            return Err(CredentialError::TooFewIterations.into());
        }
        if upsertion.iterations > ITERATIONS_MAX {
            return Err(CredentialError::TooManyIterations.into());
        }
        let known = self.image.credentials();
        if known.len() >= CREDENTIALS_MAX && !known.contains_key(upsertion.user.as_str()) {
            return Err(MetadataError::PolicyViolation);
        }
        let (salt, password) = (&upsertion.salt, &upsertion.salted_password);
        let credential = ScramCredential::derive(mechanism, upsertion.iterations, salt, password);
        let credential = Arc::new(credential.ok_or(CredentialError::EmptyPassword)?);
        Ok(MetadataRecord::Credential {
            user: Arc::from(upsertion.user.as_str()),
            mechanism,
            credential: Some(credential),
        })
    }
}

fn checked_mechanism(user: &str, number: i8) -> Result<ScramMechanism, CredentialError> {
    if user.is_empty() {
        return Err(CredentialError::EmptyUser);
    }
    ScramMechanism::from_number(number).ok_or(CredentialError::UnknownMechanism)
}

impl From<CredentialError> for MetadataError {
    fn from(error: CredentialError) -> MetadataError {
        MetadataError::Credential(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(hex: &str) -> Vec<u8> {
        (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).expect("hex")).collect()
    }

    #[test]
    fn keys_are_those_of_rfc_7677() {
        // Its example: the password "pencil" with 4096 iterations. The server key signs the example's exchange as printed there.
        let salted = bytes("c4a49510323ab4f952cac1fa99441939e78ea74d6be81ddf7096e87513dc615d");
        let kept = ScramCredential::derive(ScramMechanism::Sha256, 4096, b"salt", &salted).expect("a password");
        assert_eq!(*kept.stored_key, bytes("586e5df283e6dceb5c3e791d8b8528ec191e664045ce971792e2e6b5bb13e2a6"));
        assert_eq!(*kept.server_key, bytes("c1f3cbc1c13a9d35a14c0990eed97629ea225863e566a4314ab99f3f00e5d9d5"));
    }

    #[test]
    fn keys_of_sha_512_are_as_long_as_its_hash() {
        let salted = bytes(
            "f16efe1be67f1d09502ebd5ed9262fddffba5a377ab4f0b687e5ed5ba0f50686b8a4ae166476da8ab3b951d2fa9238b63998f45461bc33a464814949cec9631d",
        );
        let kept = ScramCredential::derive(ScramMechanism::Sha512, 4096, b"salt", &salted).expect("a password");
        let stored = "e8002e6f7d3ae446119b216933644dc2a2be7869eb918b8459b5e7d7d2ec12606aceef106825cd735170a675fd3611f684affad1dce3f43a0ee43bd590e1dbbe";
        assert_eq!(*kept.stored_key, bytes(stored));
        assert_eq!(kept.server_key.len(), 64);
    }

    #[test]
    fn an_empty_password_has_no_keys() {
        assert_eq!(ScramCredential::derive(ScramMechanism::Sha256, 4096, b"salt", b""), None);
    }
}
