//! What somebody typed of an invoice, line by line: kept as it was typed until all of it can be read.

use domain::invoice::{Discount, Line, Quantity, TaxRate, totals};
use domain::text;
use domain::{ClientId, Currency, Money, Refusal};
use flows::invoicing::Draft;
use store::invoices::Invoice;

use crate::api::invoices::is_due_day;
use crate::html::{Errors, plain};
use crate::people::Filled;

/// A line as it was typed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Row {
    /// What is billed.
    pub description: String,
    /// How many: `2.5`.
    pub quantity: String,
    /// Of one: `1,234.50`.
    pub price: String,
    /// What comes off the line: `10%` or `25.00`.
    pub discount: String,
    /// Percent: `8.875`.
    pub tax: String,
}

impl Row {
    /// Whether nobody filled it in. Its tax is filled in beforehand.
    fn is_empty(&self) -> bool {
        [&self.description, &self.quantity, &self.price, &self.discount]
            .iter()
            .all(|text| text.trim().is_empty())
    }

    fn read(&self, currency: Currency) -> Result<Line, Refusal> {
        let quantity = match self.quantity.trim() {
            "" => "1",
            typed => typed,
        };
        let line = Line::new(
            &self.description,
            Quantity::parse(quantity)?,
            Money::typed("unit_price", &self.price, currency)?,
            TaxRate::typed("tax_rate", &self.tax)?,
        )?;
        // Where the last digits of what is charged must be zero, it is told here and not at the end.
        Money::new(line.amount_minor, currency).in_steps("unit_price")?;
        let line = line.less(Discount::typed(&self.discount, currency)?, currency)?;
        let sum = totals(std::slice::from_ref(&line), None, currency)?;
        Money::new(sum.subtotal_minor, currency).in_steps("discount")?;
        sum.total.in_steps("tax_rate")?;
        Ok(line)
    }
}

/// An invoice as it was typed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Typed {
    /// The code of the currency.
    pub currency: String,
    /// `YYYY-MM-DD`, or nothing.
    pub due_date: String,
    /// The remark.
    pub memo: String,
    /// The lines.
    pub rows: Vec<Row>,
    /// What comes off the whole: `10%` or `25.00`.
    pub discount: String,
    /// The tax that new lines begin with.
    pub tax: String,
}

impl Typed {
    /// What the form's fields are called.
    pub const LABELS: [(&'static str, &'static str); 6] = [
        ("currency", "Currency"),
        ("due_date", "Due date"),
        ("memo", "Remark"),
        ("lines", "Lines"),
        ("whole_discount", "Discount on the whole invoice"),
        ("client", "Client"),
    ];

    /// Reads a form as it was sent: the fields of the lines one after the other.
    pub fn of(filled: &Filled) -> Typed {
        let all = |name: &'static str| filled.all(name).map(str::to_owned).collect::<Vec<_>>();
        let (mut quantities, mut prices, mut discounts, mut taxes) = (
            all("quantity").into_iter(),
            all("price").into_iter(),
            all("discount").into_iter(),
            all("tax").into_iter(),
        );
        let mut rows: Vec<Row> = all("description")
            .into_iter()
            .map(|description| Row {
                // Of a table, such as a page of tickets: a description is one line.
                description: text::pasted(&description).replace('\n', " "),
                quantity: quantities.next().unwrap_or_default(),
                price: prices.next().unwrap_or_default(),
                discount: discounts.next().unwrap_or_default(),
                tax: taxes.next().unwrap_or_default(),
            })
            .collect();
        let tax = rows.last().map(|row| row.tax.clone()).unwrap_or_default();
        while rows.last().is_some_and(Row::is_empty) {
            rows.pop();
        }
        Typed {
            currency: filled.get("currency").to_owned(),
            due_date: filled.get("due_date").trim().to_owned(),
            memo: text::pasted(filled.get("memo")),
            rows,
            discount: filled.get("whole_discount").trim().to_owned(),
            tax,
        }
    }

    /// A draft as it would have been typed.
    pub fn from(invoice: &Invoice, lines: &[Line]) -> Typed {
        let plain = |discount: Option<Discount>| {
            discount
                .map(|discount| discount.plain(invoice.currency))
                .unwrap_or_default()
        };
        let row = |line: &Line| Row {
            description: line.description.clone(),
            quantity: line.quantity.to_string(),
            price: Money::new(line.unit_price_minor, invoice.currency).plain(),
            discount: plain(line.discount),
            tax: line.tax_rate.plain(),
        };
        let rows: Vec<Row> = lines.iter().map(row).collect();
        Typed {
            currency: invoice.currency.code().to_owned(),
            due_date: invoice.due_date.clone().unwrap_or_default(),
            memo: invoice.memo.clone().unwrap_or_default(),
            tax: rows.last().map(|row| row.tax.clone()).unwrap_or_default(),
            rows,
            discount: plain(invoice.discount),
        }
    }

    /// What comes off the whole of these lines.
    fn whole(&self, lines: &[Line], currency: Currency) -> Result<Option<Discount>, Refusal> {
        let discount = Discount::typed(&self.discount, currency)?;
        if discount.is_some() {
            let sums = totals(lines, discount, currency)?;
            Money::new(sums.discount_minor, currency).in_steps("discount")?;
            sums.total.in_steps("discount")?;
        }
        Ok(discount)
    }

    /// The lines that can be read, with what comes off the whole and their currency; `None` while something
    /// cannot.
    pub fn readable(&self) -> Option<(Vec<Line>, Option<Discount>, Currency)> {
        let currency = Currency::parse(&self.currency).ok()?;
        let filled = self.rows.iter().filter(|row| !row.is_empty());
        let lines: Vec<Line> = filled
            .map(|row| row.read(currency))
            .collect::<Result<_, _>>()
            .ok()?;
        let discount = self.whole(&lines, currency).ok()?;
        Some((lines, discount, currency))
    }

    /// What is to be saved, or all that cannot be.
    pub fn draft(&self, client: &ClientId) -> Result<Draft, Errors> {
        let mut errors = Errors::none();
        let due_date = Some(self.due_date.clone()).filter(|date| !date.is_empty());
        if due_date.as_deref().is_some_and(|date| !is_due_day(date)) {
            errors.add("due_date", "Due date must be a day such as 2026-12-31.");
        }
        let Ok(currency) = Currency::parse(&self.currency) else {
            errors.add("currency", "Currency must be one of those that are offered.");
            return Err(errors);
        };
        let mut lines = Vec::new();
        for (at, row) in self.rows.iter().enumerate().filter(|(_, row)| !row.is_empty()) {
            match row.read(currency) {
                Ok(line) => lines.push(line),
                Err(refusal) => refused(&mut errors, at, &refusal),
            }
        }
        if !errors.is_empty() {
            return Err(errors);
        }
        let discount = self.whole(&lines, currency).map_err(|refusal| {
            let label = "Discount on the whole invoice";
            let mut errors = Errors::none();
            errors.add("whole_discount", plain::words(&refusal, Some(label)));
            errors
        })?;
        let memo = self.memo.replace("\r\n", "\n");
        Ok(Draft {
            client_id: client.clone(),
            currency,
            memo: Some(memo).filter(|memo| !memo.trim().is_empty()),
            due_date,
            lines,
            discount,
        })
    }

    /// What somebody is told who saves a draft that another has changed meanwhile, of which this is what is
    /// there now.
    pub fn changed_meanwhile(&self) -> Errors {
        let mut errors = Errors::none();
        let lines = self.rows.iter().map(|row| match row.discount.as_str() {
            "" => format!("{} × {} at {}", row.quantity, row.description, row.price),
            off => format!(
                "{} × {} at {} less {off}",
                row.quantity, row.description, row.price
            ),
        });
        let mut there: Vec<String> = lines.collect();
        if !self.discount.is_empty() {
            there.push(format!("{} off the whole", self.discount));
        }
        if !self.due_date.is_empty() {
            there.push(format!("due {}", self.due_date));
        }
        if !self.memo.is_empty() {
            there.push(format!("remark \u{201c}{}\u{201d}", self.memo));
        }
        errors.add(
            "",
            format!(
                "Somebody else has changed this draft since you opened the page. It now says: {}. Save again \
                 to put what stands below in its place.",
                there.join("; ")
            ),
        );
        errors
    }
}

/// Puts what is wrong with a line beside the field that it is about.
fn refused(errors: &mut Errors, at: usize, refusal: &Refusal) {
    let (field, label) = match refusal.field().unwrap_or_default() {
        "quantity" => ("quantity", "Quantity"),
        "unit_price" => ("price", "Price"),
        "tax_rate" => ("tax", "Tax"),
        "discount" | "discount.amount" => ("discount", "Discount"),
        _ => ("description", "Description"),
    };
    let sentence = match refusal {
        Refusal::InvalidField { .. } => plain::words(refusal, Some(&format!("{label} of line {}", at + 1))),
        refusal => format!("Line {}: {}", at + 1, plain::words(refusal, None)),
    };
    errors.add(&format!("{field}-{at}"), sentence);
}
