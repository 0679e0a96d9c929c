//! `DescribeUserScramCredentials` and `AlterUserScramCredentials`: stored by the metadata state machine. Nobody logs in with them yet.

use std::collections::BTreeMap;
use std::rc::Rc;

use corelog_engine::metadata::credentials::CredentialError;
use corelog_engine::metadata::{CredentialDeletion, CredentialUpsertion, MetadataError, MetadataImage};
use corelog_protocol::messages::alter_user_scram_credentials_request::{
    AlterUserScramCredentialsRequest, ScramCredentialDeletion, ScramCredentialUpsertion,
};
use corelog_protocol::messages::alter_user_scram_credentials_response::{
    AlterUserScramCredentialsResponse, AlterUserScramCredentialsResult,
};
use corelog_protocol::messages::describe_user_scram_credentials_request::DescribeUserScramCredentialsRequest;
use corelog_protocol::messages::describe_user_scram_credentials_response::{
    CredentialInfo, DescribeUserScramCredentialsResponse, DescribeUserScramCredentialsResult,
};
use corelog_protocol::{ErrorCode, Text};

use super::refusal::metadata_result;
use crate::broker::Broker;
use crate::net::request::Call;

/// Answers from this shard's image: which mechanisms the users have, never their keys.
pub async fn handle_describe(
    broker: Rc<Broker>,
    _call: Call,
    request: DescribeUserScramCredentialsRequest,
) -> DescribeUserScramCredentialsResponse {
    let image = broker.image();
    // How often each user is asked for. Without any named, all are.
    let mut users: BTreeMap<&str, usize> = BTreeMap::new();
    let named = request.users.as_deref().unwrap_or_default();
    for user in named {
        *users.entry(&user.name).or_default() += 1;
    }
    if named.is_empty() {
        users.extend(image.credentials().keys().map(|user| (&**user, 1)));
    }
    let results = users.into_iter().map(|(user, times)| describe(&image, user, times)).collect();
    DescribeUserScramCredentialsResponse { error_message: Some(Text::default()), results, ..Default::default() }
}

fn describe(image: &MetadataImage, user: &str, times: usize) -> DescribeUserScramCredentialsResult {
    let refuse = |error: ErrorCode, why: &str| DescribeUserScramCredentialsResult {
        user: Text::from(user),
        error_code: error.code(),
        error_message: Some(Text::from(format!("{why}: {user}"))),
        ..Default::default()
    };
    if times > 1 {
        return refuse(ErrorCode::DuplicateResource, "A user may be described once in one request, not twice");
    }
    let Some(set) = image.credentials().get(user) else {
        return refuse(ErrorCode::ResourceNotFound, "There is no user credential to describe");
    };
    let info = |(mechanism, credential): (&corelog_engine::metadata::ScramMechanism, &std::sync::Arc<_>)| {
        let credential: &corelog_engine::metadata::ScramCredential = credential;
        CredentialInfo { mechanism: *mechanism as i8, iterations: credential.iterations }
    };
    DescribeUserScramCredentialsResult {
        user: Text::from(user),
        error_message: Some(Text::default()),
        credential_infos: set.iter().map(info).collect(),
        ..Default::default()
    }
}

/// Changes credentials; one answer for each user.
pub async fn handle_alter(
    broker: Rc<Broker>,
    _call: Call,
    request: AlterUserScramCredentialsRequest,
) -> AlterUserScramCredentialsResponse {
    let mut users: Vec<String> = Vec::new();
    users.extend(request.deletions.iter().map(|deletion| deletion.name.as_str().to_owned()));
    users.extend(request.upsertions.iter().map(|upsertion| upsertion.name.as_str().to_owned()));
    let deletions: Vec<CredentialDeletion> = request.deletions.iter().map(deletion).collect();
    let upsertions: Vec<CredentialUpsertion> = request.upsertions.iter().map(upsertion).collect();
    let decided = broker.shard().command(move |state| state.alter_credentials(&deletions, &upsertions)).await;
    let results = decided.unwrap_or_else(|error| {
        users.sort_unstable();
        users.dedup();
        users.into_iter().map(|user| (user, Err(error.clone()))).collect()
    });
    let answer = |(user, result): (String, Result<(), MetadataError>)| {
        let (error_code, message) = metadata_result(&result);
        // Kafka trips over an empty password and says nothing about it.
        let is_empty = matches!(result, Err(MetadataError::Credential(CredentialError::EmptyPassword)));
        let error_message = message.filter(|_| !is_empty);
        AlterUserScramCredentialsResult { user: Text::from(user), error_code, error_message }
    };
    AlterUserScramCredentialsResponse { results: results.into_iter().map(answer).collect(), ..Default::default() }
}

fn deletion(deletion: &ScramCredentialDeletion) -> CredentialDeletion {
    CredentialDeletion { user: deletion.name.as_str().to_owned(), mechanism: deletion.mechanism }
}

fn upsertion(upsertion: &ScramCredentialUpsertion) -> CredentialUpsertion {
    CredentialUpsertion {
        user: upsertion.name.as_str().to_owned(),
        mechanism: upsertion.mechanism,
        iterations: upsertion.iterations,
        salt: upsertion.salt.to_vec(),
        salted_password: upsertion.salted_password.to_vec(),
    }
}
