//! Compares two large sets of entries that are read in different orders, in constant memory: each entry is hashed with a
//! random key, and the hashes are added up. Pure.
//!
//! Equal sums show equal sets. The key is made for each proof and is stored nowhere, so a person who changes the tables
//! cannot choose a difference whose hashes sum to zero; by chance that happens once in 2^128.

use sha2::{Digest as _, Sha256};

use crate::clock::random_bytes;
use crate::values::{Money, TransferId, WalletId};

/// With the bytes of an entry 55, the most that SHA-256 hashes in one block.
type Key = [u8; 12];

/// The key of one proof.
#[derive(Clone, Copy)]
pub(super) struct FingerprintKey(Key);

impl FingerprintKey {
    pub fn random() -> Self {
        Self(random_bytes())
    }
}

/// One side of a movement of money, from either table.
pub(super) struct EntryFact<'a> {
    pub transfer: TransferId,
    pub wallet: WalletId,
    pub amount: Money,
    /// Three letters: the transfer's currency, or that of the entry's wallet.
    pub currency: &'a str,
}

/// A set of entries.
pub(super) struct Fingerprint {
    key: FingerprintKey,
    sum: u128,
    entries: u64,
}

impl Fingerprint {
    /// Of no entry.
    pub fn new(key: FingerprintKey) -> Self {
        Self {
            key,
            sum: 0,
            entries: 0,
        }
    }

    pub fn add(&mut self, fact: &EntryFact<'_>) {
        let mut hash = Sha256::new();
        hash.update(self.key.0);
        hash.update(fact.transfer.0);
        hash.update(fact.wallet.0);
        hash.update(fact.amount.units().to_be_bytes());
        hash.update(fact.currency);
        let digest: [u8; 32] = hash.finalize().into();
        let half = digest.first_chunk().expect("a digest has 32 bytes");
        self.sum = self.sum.wrapping_add(u128::from_be_bytes(*half));
        self.entries += 1;
    }

    /// How many entries it has.
    pub fn entries(&self) -> u64 {
        self.entries
    }

    /// True if both are of the same entries. Both must have the same key.
    pub fn is_equal_to(&self, other: &Self) -> bool {
        self.sum == other.sum && self.entries == other.entries
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn fact(transfer: u128, wallet: u128, units: i64, currency: &str) -> EntryFact<'_> {
        EntryFact {
            transfer: TransferId(Uuid::from_u128(transfer)),
            wallet: WalletId(Uuid::from_u128(wallet)),
            amount: Money::from_units(units).expect("an amount"),
            currency,
        }
    }

    fn of(key: FingerprintKey, facts: &[EntryFact<'_>]) -> Fingerprint {
        let mut fingerprint = Fingerprint::new(key);
        facts.iter().for_each(|fact| fingerprint.add(fact));
        fingerprint
    }

    #[test]
    fn the_order_does_not_matter_and_every_value_does() {
        let key = FingerprintKey::random();
        let facts = || [fact(1, 2, -5, "USD"), fact(1, 3, 5, "USD")];
        let both = of(key, &facts());
        let [one, other] = facts();
        assert!(both.is_equal_to(&of(key, &[other, one])));
        for changed in [
            fact(9, 3, 5, "USD"),
            fact(1, 9, 5, "USD"),
            fact(1, 3, -5, "USD"),
            fact(1, 3, 5, "EUR"),
            fact(1, 2, -5, "USD"),
        ] {
            let [one, _] = facts();
            assert!(!both.is_equal_to(&of(key, &[one, changed])));
        }
        let [one, other] = facts();
        assert!(!both.is_equal_to(&of(key, &[one, other, fact(1, 3, 5, "USD")])));
        assert!(!both.is_equal_to(&of(key, &[])));
        assert_eq!(both.entries(), 2);
    }

    #[test]
    fn the_sums_of_two_proofs_differ() {
        let sums: Vec<u128> = (0..2)
            .map(|_| of(FingerprintKey::random(), &[fact(1, 2, 5, "USD")]).sum)
            .collect();
        assert_ne!(sums[0], sums[1]);
    }
}
