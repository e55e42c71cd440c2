//! The message camt.053.001.08 as far as statements have it: for each type its elements in their order, and how often each
//! may stand. Written from the message definition, not from our writer.

pub const NAMESPACE: &str = "urn:iso:std:iso:20022:tech:xsd:camt.053.001.08";

/// The type of an element.
#[derive(Clone, Copy, Debug)]
pub enum Type {
    /// Elements, as `TYPES` has them.
    Of(&'static str),
    /// A text.
    Text(Leaf),
    /// The definition has it, and statements never do.
    Unused,
}

/// What a text must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leaf {
    /// A text of so many characters at most, and one at least.
    Max(usize),
    /// A date with a time.
    DateTime,
    /// An amount with its currency as attribute.
    Amount,
    /// Three capitals.
    Currency,
    /// One of these.
    Code(&'static [&'static str]),
}

/// A type that has elements in it.
pub struct Parent {
    pub name: &'static str,
    /// Exactly one of the elements stands there.
    pub is_choice: bool,
    /// Name, type, least and most.
    pub children: &'static [(&'static str, Type, usize, usize)],
}

const MANY: usize = usize::MAX;
const ID: Type = Type::Text(Leaf::Max(35));
const TIME: Type = Type::Text(Leaf::DateTime);
const SIGN: Type = Type::Text(Leaf::Code(&["CRDT", "DBIT"]));
const AMOUNT: Type = Type::Text(Leaf::Amount);

const fn sequence(name: &'static str, children: &'static [(&'static str, Type, usize, usize)]) -> Parent {
    Parent {
        name,
        is_choice: false,
        children,
    }
}

const fn choice(name: &'static str, children: &'static [(&'static str, Type, usize, usize)]) -> Parent {
    Parent {
        name,
        is_choice: true,
        children,
    }
}

/// All types, the outermost first.
pub const TYPES: &[Parent] = &[
    sequence(
        "Document",
        &[("BkToCstmrStmt", Type::Of("BankToCustomerStatement"), 1, 1)],
    ),
    sequence(
        "BankToCustomerStatement",
        &[
            ("GrpHdr", Type::Of("GroupHeader"), 1, 1),
            ("Stmt", Type::Of("AccountStatement"), 1, MANY),
            ("SplmtryData", Type::Unused, 0, MANY),
        ],
    ),
    sequence(
        "GroupHeader",
        &[
            ("MsgId", ID, 1, 1),
            ("CreDtTm", TIME, 1, 1),
            ("MsgRcpt", Type::Unused, 0, 1),
            ("MsgPgntn", Type::Unused, 0, 1),
            ("OrgnlBizQry", Type::Unused, 0, 1),
            ("AddtlInf", Type::Unused, 0, 1),
        ],
    ),
    sequence(
        "AccountStatement",
        &[
            ("Id", ID, 1, 1),
            ("StmtPgntn", Type::Unused, 0, 1),
            ("ElctrncSeqNb", Type::Unused, 0, 1),
            ("RptgSeq", Type::Unused, 0, 1),
            ("LglSeqNb", Type::Unused, 0, 1),
            ("CreDtTm", TIME, 0, 1),
            ("FrToDt", Type::Of("DateTimePeriod"), 0, 1),
            ("CpyDplctInd", Type::Unused, 0, 1),
            ("RptgSrc", Type::Unused, 0, 1),
            ("Acct", Type::Of("CashAccount"), 1, 1),
            ("RltdAcct", Type::Unused, 0, 1),
            ("Intrst", Type::Unused, 0, MANY),
            ("Bal", Type::Of("CashBalance"), 1, MANY),
            ("TxsSummry", Type::Unused, 0, 1),
            ("Ntry", Type::Of("ReportEntry"), 0, MANY),
            ("AddtlStmtInf", Type::Unused, 0, 1),
        ],
    ),
    sequence("DateTimePeriod", &[("FrDtTm", TIME, 1, 1), ("ToDtTm", TIME, 1, 1)]),
    sequence(
        "CashAccount",
        &[
            ("Id", Type::Of("AccountIdentification"), 1, 1),
            ("Tp", Type::Unused, 0, 1),
            ("Ccy", Type::Text(Leaf::Currency), 0, 1),
            ("Nm", Type::Unused, 0, 1),
            ("Prxy", Type::Unused, 0, 1),
            ("Ownr", Type::Unused, 0, 1),
            ("Svcr", Type::Unused, 0, 1),
        ],
    ),
    choice(
        "AccountIdentification",
        &[
            ("IBAN", Type::Unused, 0, 1),
            ("Othr", Type::Of("GenericAccountIdentification"), 0, 1),
        ],
    ),
    sequence(
        "GenericAccountIdentification",
        &[
            ("Id", Type::Text(Leaf::Max(34)), 1, 1),
            ("SchmeNm", Type::Unused, 0, 1),
            ("Issr", Type::Unused, 0, 1),
        ],
    ),
    sequence(
        "CashBalance",
        &[
            ("Tp", Type::Of("BalanceType"), 1, 1),
            ("CdtLine", Type::Unused, 0, MANY),
            ("Amt", AMOUNT, 1, 1),
            ("CdtDbtInd", SIGN, 1, 1),
            ("Dt", Type::Of("DateAndDateTime"), 1, 1),
            ("Avlbty", Type::Unused, 0, MANY),
        ],
    ),
    sequence(
        "BalanceType",
        &[
            ("CdOrPrtry", Type::Of("BalanceTypeChoice"), 1, 1),
            ("SubTp", Type::Unused, 0, 1),
        ],
    ),
    choice(
        "BalanceTypeChoice",
        &[
            ("Cd", Type::Text(Leaf::Code(&["OPBD", "CLBD"])), 0, 1),
            ("Prtry", Type::Unused, 0, 1),
        ],
    ),
    choice("DateAndDateTime", &[("Dt", Type::Unused, 0, 1), ("DtTm", TIME, 0, 1)]),
    sequence(
        "ReportEntry",
        &[
            ("NtryRef", ID, 0, 1),
            ("Amt", AMOUNT, 1, 1),
            ("CdtDbtInd", SIGN, 1, 1),
            ("RvslInd", Type::Text(Leaf::Code(&["true", "false"])), 0, 1),
            ("Sts", Type::Of("EntryStatus"), 1, 1),
            ("BookgDt", Type::Of("DateAndDateTime"), 0, 1),
            ("ValDt", Type::Of("DateAndDateTime"), 0, 1),
            ("AcctSvcrRef", ID, 0, 1),
            ("Avlbty", Type::Unused, 0, MANY),
            ("BkTxCd", Type::Of("BankTransactionCode"), 1, 1),
            ("ComssnWvrInd", Type::Unused, 0, 1),
            ("AddtlInfInd", Type::Unused, 0, 1),
            ("AmtDtls", Type::Unused, 0, 1),
            ("Chrgs", Type::Unused, 0, 1),
            ("TechInptChanl", Type::Unused, 0, 1),
            ("Intrst", Type::Unused, 0, 1),
            ("CardTx", Type::Unused, 0, 1),
            ("NtryDtls", Type::Of("EntryDetails"), 0, MANY),
            ("AddtlNtryInf", Type::Unused, 0, 1),
        ],
    ),
    choice(
        "EntryStatus",
        &[
            ("Cd", Type::Text(Leaf::Code(&["BOOK", "PDNG", "INFO", "FUTR"])), 0, 1),
            ("Prtry", Type::Unused, 0, 1),
        ],
    ),
    sequence(
        "BankTransactionCode",
        &[
            ("Domn", Type::Of("BankTransactionDomain"), 0, 1),
            ("Prtry", Type::Of("ProprietaryCode"), 0, 1),
        ],
    ),
    sequence(
        "BankTransactionDomain",
        &[
            ("Cd", Type::Text(Leaf::Code(&["PMNT"])), 1, 1),
            ("Fmly", Type::Of("BankTransactionFamily"), 1, 1),
        ],
    ),
    sequence(
        "BankTransactionFamily",
        &[
            ("Cd", Type::Text(Leaf::Code(&["RCDT", "ICDT"])), 1, 1),
            ("SubFmlyCd", Type::Text(Leaf::Code(&["BOOK", "OTHR"])), 1, 1),
        ],
    ),
    sequence("ProprietaryCode", &[("Cd", ID, 1, 1), ("Issr", ID, 0, 1)]),
    sequence(
        "EntryDetails",
        &[
            ("Btch", Type::Unused, 0, 1),
            ("TxDtls", Type::Of("EntryTransaction"), 0, MANY),
        ],
    ),
    sequence(
        "EntryTransaction",
        &[
            ("Refs", Type::Of("TransactionReferences"), 0, 1),
            ("Amt", AMOUNT, 0, 1),
            ("CdtDbtInd", SIGN, 0, 1),
            ("AmtDtls", Type::Unused, 0, 1),
            ("Avlbty", Type::Unused, 0, MANY),
            ("BkTxCd", Type::Of("BankTransactionCode"), 0, 1),
            ("Chrgs", Type::Unused, 0, 1),
            ("Intrst", Type::Unused, 0, 1),
            ("RltdPties", Type::Of("TransactionParties"), 0, 1),
            ("RltdAgts", Type::Unused, 0, 1),
            ("LclInstrm", Type::Unused, 0, 1),
            ("Purp", Type::Unused, 0, 1),
            ("RltdRmtInf", Type::Unused, 0, 10),
            ("RmtInf", Type::Of("RemittanceInformation"), 0, 1),
            ("RltdDts", Type::Unused, 0, 1),
            ("AddtlTxInf", Type::Unused, 0, 1),
        ],
    ),
    sequence(
        "TransactionReferences",
        &[
            ("MsgId", ID, 0, 1),
            ("AcctSvcrRef", ID, 0, 1),
            ("PmtInfId", ID, 0, 1),
            ("InstrId", ID, 0, 1),
            ("EndToEndId", ID, 0, 1),
            ("UETR", Type::Unused, 0, 1),
            ("TxId", ID, 0, 1),
        ],
    ),
    sequence(
        "TransactionParties",
        &[
            ("InitgPty", Type::Unused, 0, 1),
            ("Dbtr", Type::Unused, 0, 1),
            ("DbtrAcct", Type::Of("CashAccount"), 0, 1),
            ("UltmtDbtr", Type::Unused, 0, 1),
            ("Cdtr", Type::Unused, 0, 1),
            ("CdtrAcct", Type::Of("CashAccount"), 0, 1),
            ("UltmtCdtr", Type::Unused, 0, 1),
            ("TradgPty", Type::Unused, 0, 1),
            ("Prtry", Type::Unused, 0, MANY),
        ],
    ),
    sequence(
        "RemittanceInformation",
        &[
            ("Ustrd", Type::Text(Leaf::Max(140)), 0, MANY),
            ("Strd", Type::Unused, 0, MANY),
        ],
    ),
];
