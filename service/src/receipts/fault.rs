//! What is wrong with a receipt, a head or a set of keys.

use super::kind::DocumentKind;

/// Why a document is refused. The sentence names the member, and may repeat names and values from the document.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReceiptFault {
    /// Larger than any document of the bank.
    #[error("it is larger than {bytes_max} bytes")]
    TooLarge {
        /// The most bytes of such a document.
        bytes_max: usize,
    },
    /// A value could be spelled in two ways.
    #[error("it has a backslash or a character beyond ASCII")]
    Characters,
    /// Another document of the bank.
    #[error("it is {found}, not {kind}")]
    OtherDocument {
        /// What was expected.
        kind: DocumentKind,
        /// What it is.
        found: DocumentKind,
    },
    /// The bank's own file of keys, in the place of the public ones.
    #[error("these are the bank's own keys, with secrets; use the set at /.well-known/florin-keys.json")]
    SecretKeys,
    /// Not JSON, or a member is unknown, missing, doubled or of another type.
    #[error("it is not {kind}: {why}")]
    Malformed {
        /// What was expected.
        kind: DocumentKind,
        /// What the parser says.
        why: String,
    },
    /// A member is missing, or its value is not spelled as the format says.
    #[error("its member {member} is not what the format says")]
    Spelling {
        /// The path of the member, such as `head.at`.
        member: String,
    },
    /// The path has more steps than any tree.
    #[error("its path is longer than that of any commit")]
    LongPath,
    /// The public bytes are not those of a transfer.
    #[error("its member leaf.public is not the public bytes of a transfer")]
    PublicBytes,
    /// The transfer is not what the public bytes say.
    #[error("its member {member} is not what leaf.public says")]
    Transfer {
        /// The path of the member, such as `transfer.amount`.
        member: String,
    },
    /// The leaf is not in the commit's tree.
    #[error("its path does not lead from the leaf to commit.root")]
    Path,
    /// The head is not that of this commit.
    #[error("its head.digest is not the digest of this commit")]
    Digest,
    /// Another key has signed.
    #[error(
        "no key in the set has the id {key_id}, which signed it: the set is another bank's, or older than that key"
    )]
    UntrustedKey {
        /// The name of that key.
        key_id: String,
    },
    /// The key has not signed this head.
    #[error("the signature of the head is not that of the key that it names")]
    Signature,
}
