//! What a tenant may do: take new work, only finish what was begun, or nothing any more. The operator moves
//! it; what is owed and paid is never touched by that.

use crate::Refusal;

/// Where a tenant stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TenantState {
    /// Works.
    Active,
    /// New invoices and payments are refused, and no Stripe account is connected; everything is read, what
    /// was begun finishes, and money goes back to payers.
    Suspended,
    /// As suspended, without keys, and for good. History is kept.
    Closed,
}

impl TenantState {
    /// Every state.
    pub const ALL: [TenantState; 3] = [TenantState::Active, TenantState::Suspended, TenantState::Closed];

    /// As the database and the API spell it.
    pub const fn word(self) -> &'static str {
        match self {
            TenantState::Active => "active",
            TenantState::Suspended => "suspended",
            TenantState::Closed => "closed",
        }
    }

    /// The state of a word.
    pub fn parse(word: &str) -> Option<TenantState> {
        TenantState::ALL.into_iter().find(|state| state.word() == word)
    }

    /// Whether new invoices and payments may begin.
    ///
    /// # Errors
    /// [`Refusal::TenantSuspended`] or [`Refusal::TenantClosed`].
    pub const fn new_work(self) -> Result<(), Refusal> {
        match self {
            TenantState::Active => Ok(()),
            TenantState::Suspended => Err(Refusal::TenantSuspended),
            TenantState::Closed => Err(Refusal::TenantClosed),
        }
    }

    /// Where a move leads. One that leads to where the tenant stands already is taken and changes nothing.
    ///
    /// # Errors
    /// [`Refusal::TenantClosed`]: a closed tenant stays closed.
    pub const fn moved(self, by: TenantMove) -> Result<TenantState, Refusal> {
        match (self, by) {
            (TenantState::Active | TenantState::Suspended, TenantMove::Suspend) => Ok(TenantState::Suspended),
            (TenantState::Active | TenantState::Suspended, TenantMove::Resume) => Ok(TenantState::Active),
            (TenantState::Active | TenantState::Suspended | TenantState::Closed, TenantMove::Close) => {
                Ok(TenantState::Closed)
            }
            (TenantState::Closed, TenantMove::Suspend | TenantMove::Resume) => Err(Refusal::TenantClosed),
        }
    }
}

/// What the operator does with a tenant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TenantMove {
    /// Refuse new work for now.
    Suspend,
    /// Take new work again.
    Resume,
    /// End for good.
    Close,
}

impl TenantMove {
    /// Every move.
    pub const ALL: [TenantMove; 3] = [TenantMove::Suspend, TenantMove::Resume, TenantMove::Close];
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_move_from_every_state_leads_where_it_should() {
        use TenantMove::{Close, Resume, Suspend};
        use TenantState::{Active, Closed, Suspended};
        let table = [
            (Active, Suspend, Ok(Suspended)),
            (Active, Resume, Ok(Active)),
            (Active, Close, Ok(Closed)),
            (Suspended, Suspend, Ok(Suspended)),
            (Suspended, Resume, Ok(Active)),
            (Suspended, Close, Ok(Closed)),
            (Closed, Suspend, Err(Refusal::TenantClosed)),
            (Closed, Resume, Err(Refusal::TenantClosed)),
            (Closed, Close, Ok(Closed)),
        ];
        assert_eq!(table.len(), TenantState::ALL.len() * TenantMove::ALL.len());
        for (from, by, to) in table {
            assert_eq!(from.moved(by), to, "{from:?} {by:?}");
        }
        for (state, refused) in [
            (Active, Ok(())),
            (Suspended, Err(Refusal::TenantSuspended)),
            (Closed, Err(Refusal::TenantClosed)),
        ] {
            assert_eq!(state.new_work(), refused);
            assert_eq!(TenantState::parse(state.word()), Some(state));
        }
        assert_eq!(TenantState::parse("gone"), None);
    }

    #[test]
    fn nothing_leads_out_of_closed() {
        let mut reached = vec![TenantState::Closed];
        for _ in 0..4 {
            let next = reached
                .iter()
                .flat_map(|from| TenantMove::ALL.map(|by| from.moved(by)));
            reached = next.flatten().collect();
            assert!(reached.iter().all(|state| *state == TenantState::Closed));
        }
    }
}
