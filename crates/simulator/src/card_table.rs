//! The test cards in words, for the documentation.

use crate::cards::{self, Authentication, Bank, TestCard};

/// The test cards as a table in Markdown, for the documentation to hold.
pub fn test_cards() -> String {
    let mut table = String::from("| Number | Payment method | What happens |\n|---|---|---|\n");
    for card in cards::all() {
        let number = match card.number {
            "" => String::new(),
            number => format!("`{number}`"),
        };
        table.push_str(&format!(
            "| {number} | `pm_card_{}` | {} |\n",
            card.alias,
            said(card)
        ));
    }
    table
}

fn said(card: &TestCard) -> String {
    if card.alias == cards::LIVE {
        return "pays in live mode, and only there".into();
    }
    let bank = match card.bank {
        Bank::Approves if card.brand == "visa" && card.funding == "credit" => "pays".to_owned(),
        Bank::Approves => format!("pays; {} {}", card.brand, card.funding),
        Bank::ApprovesAvailable => "pays, and the money is available at once".into(),
        Bank::ApprovesAtRisk(level) => format!("pays at {level} risk"),
        Bank::ApprovesDespite(check) => format!("pays although `{check}` fails"),
        Bank::Declines(decline) => format!("`{}`: `{}`", decline.code, decline.decline_code),
        Bank::DeclinesAttached(decline) => {
            format!(
                "can be saved, then `{}`: `{}`",
                decline.code, decline.decline_code
            )
        }
    };
    match card.authentication {
        Authentication::Optional => bank,
        Authentication::UnlessSetUp => format!("asks for 3D Secure unless it was set up; {bank}"),
        Authentication::OnSession => format!("asks for 3D Secure when its holder is there; {bank}"),
        Authentication::Always => format!("asks for 3D Secure each time; {bank}"),
    }
}
