//! The places that the menu leads to, with their addresses and names: one list, in the order of the menu.

/// A page that the menu names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// What is connected and what to do next.
    Home,
    /// What clients are asked to pay.
    Invoices,
    /// Whom invoices are made to.
    Clients,
    /// What was paid.
    Payments,
    /// What went to the bank.
    Payouts,
    /// What payers' banks dispute.
    Disputes,
    /// What the tenant's papers say of it.
    Business,
    /// How its invoices are numbered, and the terms of new ones.
    InvoiceSettings,
    /// What its payers may choose.
    PaymentSettings,
    /// How it writes to its clients, and when it reminds them.
    MailSettings,
    /// The tenant's Stripe account.
    Stripe,
    /// Who of the tenant may log in.
    Users,
    /// The tenant's API keys.
    ApiKeys,
    /// All tenants, for the operator.
    Operator,
    /// What Stripe reported, of everybody.
    Inbox,
    /// What differs from Stripe, of everybody.
    Breaks,
    /// What the platform takes.
    Fees,
    /// What the server does by itself.
    Jobs,
    /// Who did what, of everybody.
    Audit,
    /// How the server is set up.
    Configuration,
    /// The person's own name, password and second factor.
    Account,
    /// Where the person is logged in.
    Sessions,
}

/// A heading of the menu.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Section {
    /// Without a heading, at the top.
    Top,
    /// What is set once.
    Settings,
    /// What is the person's own.
    Own,
}

impl Section {
    /// In the order of the menu.
    pub const ALL: [Section; 3] = [Section::Top, Section::Settings, Section::Own];

    /// The heading.
    pub const fn title(self) -> &'static str {
        match self {
            Section::Top => "",
            Section::Settings => "Settings",
            Section::Own => "Your account",
        }
    }
}

impl Place {
    /// In the order of the menu.
    pub const ALL: [Place; 22] = [
        Place::Home,
        Place::Invoices,
        Place::Clients,
        Place::Payments,
        Place::Payouts,
        Place::Disputes,
        Place::Operator,
        Place::Inbox,
        Place::Breaks,
        Place::Fees,
        Place::Jobs,
        Place::Audit,
        Place::Configuration,
        Place::Business,
        Place::InvoiceSettings,
        Place::PaymentSettings,
        Place::MailSettings,
        Place::Stripe,
        Place::ApiKeys,
        Place::Users,
        Place::Account,
        Place::Sessions,
    ];

    /// What the menu calls it.
    pub const fn name(self) -> &'static str {
        match self {
            Place::Home => "Home",
            Place::Invoices => "Invoices",
            Place::Clients => "Clients",
            Place::Payments => "Payments",
            Place::Payouts => "Payouts",
            Place::Disputes => "Disputes",
            Place::Business => "Business details",
            Place::InvoiceSettings => "Numbers and terms",
            Place::PaymentSettings => "Payment options",
            Place::MailSettings => "Mails and reminders",
            Place::Stripe => "Stripe",
            Place::Users => "Users",
            Place::ApiKeys => "API keys",
            Place::Operator => "Tenants",
            Place::Inbox => "Webhooks",
            Place::Breaks => "Differences",
            Place::Fees => "Fees",
            Place::Jobs => "Jobs",
            Place::Audit => "Audit log",
            Place::Configuration => "Configuration",
            Place::Account => "Profile and security",
            Place::Sessions => "Sessions",
        }
    }

    /// Where it is.
    pub const fn path(self) -> &'static str {
        match self {
            Place::Home => "/",
            Place::Invoices => "/invoices",
            Place::Clients => "/clients",
            Place::Payments => "/payments",
            Place::Payouts => "/payouts",
            Place::Disputes => "/disputes",
            Place::Business => "/settings/business",
            Place::InvoiceSettings => "/settings/invoices",
            Place::PaymentSettings => "/settings/payments",
            Place::MailSettings => "/settings/mails",
            Place::Stripe => "/settings/stripe",
            Place::Users => "/settings/users",
            Place::ApiKeys => "/settings/api-keys",
            Place::Operator => "/operator",
            Place::Inbox => "/operator/inbox",
            Place::Breaks => "/operator/breaks",
            Place::Fees => "/operator/fees",
            Place::Jobs => "/operator/jobs",
            Place::Audit => "/operator/audit",
            Place::Configuration => "/operator/configuration",
            Place::Account => "/account",
            Place::Sessions => "/account/sessions",
        }
    }

    /// Under which heading it stands.
    pub const fn section(self) -> Section {
        match self {
            Place::Home
            | Place::Invoices
            | Place::Clients
            | Place::Payments
            | Place::Payouts
            | Place::Disputes
            | Place::Operator
            | Place::Inbox
            | Place::Breaks
            | Place::Fees
            | Place::Jobs
            | Place::Audit
            | Place::Configuration => Section::Top,
            Place::Business
            | Place::InvoiceSettings
            | Place::PaymentSettings
            | Place::MailSettings
            | Place::Stripe
            | Place::Users
            | Place::ApiKeys => Section::Settings,
            Place::Account | Place::Sessions => Section::Own,
        }
    }
}
