//! The rule language of filters, a second time: parse, print, evaluate.
//!
//! Written apart from the engine's own parser, so that both reading one rule alike means something. It takes only rules
//! that are right; anything else panics, because a generated or hand-picked rule that is wrong is a mistake of the test.
//! Source: Entra documentation, Filter for devices as a condition; Rules for dynamic membership groups; read August 2026.

use std::borrow::Cow;
use std::fmt;

use doorward::model::{AttributeValue, Attributes};

/// A rule.
#[derive(Debug, Clone, PartialEq)]
pub enum Rule {
    Or(Box<Rule>, Box<Rule>),
    And(Box<Rule>, Box<Rule>),
    Not(Box<Rule>),
    Compare { property: String, operator: Operator, literal: Literal },
}

/// A comparison: a positive test, or the exact opposite of one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Operator {
    pub test: Test,
    pub is_negated: bool,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Test {
    Equals,
    StartsWith,
    EndsWith,
    Contains,
    In,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Literal {
    Null,
    Text(String),
    List(Vec<String>),
}

/// What a property is.
#[derive(Debug, Clone, PartialEq)]
pub enum Fact<'a> {
    Null,
    Bool(bool),
    Text(&'a str),
    Texts(Vec<&'a str>),
}

impl<'a> Fact<'a> {
    /// A collection; an empty one is null.
    pub fn texts(texts: &'a [Cow<'_, str>]) -> Self {
        if texts.is_empty() { Self::Null } else { Self::Texts(texts.iter().map(|text| &**text).collect()) }
    }

    /// The custom security attribute that a property names; only text can be used.
    pub fn attribute(attributes: &'a Attributes<'_>, property: &str) -> Self {
        let (root, name) = property.split_once('.').expect("a property has a root");
        assert!(root.eq_ignore_ascii_case("CustomSecurityAttribute"), "{property} is no custom security attribute");
        match attributes.value(name) {
            None | Some(AttributeValue::Other) => Self::Null,
            Some(AttributeValue::Text(text)) => Self::Text(text),
            Some(AttributeValue::Texts(texts)) => Self::texts(texts),
        }
    }
}

impl Rule {
    /// Whether the rule is true: two-valued, null is equal to nothing but `null`.
    pub fn holds<'a>(&self, property_of: &dyn Fn(&str) -> Fact<'a>) -> bool {
        match self {
            Self::Or(one, other) => one.holds(property_of) || other.holds(property_of),
            Self::And(one, other) => one.holds(property_of) && other.holds(property_of),
            Self::Not(rule) => !rule.holds(property_of),
            Self::Compare { property, operator, literal } => {
                passes(&property_of(property), operator.test, literal) != operator.is_negated
            }
        }
    }
}

fn passes(fact: &Fact<'_>, test: Test, literal: &Literal) -> bool {
    match (fact, literal) {
        (Fact::Null, Literal::Null) => test == Test::Equals,
        (Fact::Null, _) | (_, Literal::Null) => false,
        (Fact::Bool(fact), _) => passes(&Fact::Text(if *fact { "true" } else { "false" }), test, literal),
        (_, Literal::List(texts)) => texts.iter().any(|text| {
            assert_eq!(test, Test::In, "only -in takes a list");
            passes(fact, Test::Equals, &Literal::Text(text.clone()))
        }),
        // Of several, `-contains` means a whole one; what is asked of one text holds where it does for any of them.
        (Fact::Texts(elements), Literal::Text(wanted)) if test == Test::Contains => {
            elements.iter().any(|element| same(element, wanted))
        }
        (Fact::Texts(elements), _) => elements.iter().any(|element| passes(&Fact::Text(element), test, literal)),
        (Fact::Text(text), Literal::Text(wanted)) => {
            let (text, wanted) = (text.to_lowercase(), wanted.to_lowercase());
            match test {
                Test::Equals | Test::In => text == wanted,
                Test::StartsWith => text.starts_with(&wanted),
                Test::EndsWith => text.ends_with(&wanted),
                Test::Contains => text.contains(&wanted),
            }
        }
    }
}

fn same(one: &str, other: &str) -> bool {
    one.to_lowercase() == other.to_lowercase()
}

/// Reads a rule.
pub fn parse(text: &str) -> Rule {
    let mut tokens = Tokens { tokens: tokens(text), next: 0 };
    let rule = tokens.or();
    assert_eq!(tokens.next, tokens.tokens.len(), "`{text}` ends with something else");
    rule
}

#[derive(Debug, Clone, PartialEq)]
enum Token {
    /// `(`, `)`, `[`, `]` or `,`.
    Mark(char),
    Word(String),
    Text(String),
}

fn tokens(text: &str) -> Vec<Token> {
    let mut characters = text.chars().peekable();
    let mut tokens = Vec::new();
    while let Some(character) = characters.next() {
        match character {
            ' ' | '\t' | '\r' | '\n' => {}
            '(' | ')' | '[' | ']' | ',' => tokens.push(Token::Mark(character)),
            '"' | '\'' => {
                let mut string = String::new();
                loop {
                    match characters.next().expect("a string ends") {
                        '`' if character == '"' && characters.peek() == Some(&'"') => {
                            string.extend(characters.next());
                        }
                        '\'' if character == '\'' && characters.peek() == Some(&'\'') => {
                            characters.next();
                            string.push('\'');
                        }
                        end if end == character => break,
                        other => string.push(other),
                    }
                }
                tokens.push(Token::Text(string));
            }
            first => {
                let mut word = String::from(first);
                while let Some(more) = characters.next_if(|next| next.is_alphanumeric() || "._-".contains(*next)) {
                    word.push(more);
                }
                tokens.push(Token::Word(word));
            }
        }
    }
    tokens
}

struct Tokens {
    tokens: Vec<Token>,
    next: usize,
}

impl Tokens {
    fn or(&mut self) -> Rule {
        let mut rule = self.and();
        while self.keyword("or") {
            rule = Rule::Or(Box::new(rule), Box::new(self.and()));
        }
        rule
    }

    fn and(&mut self) -> Rule {
        let mut rule = self.not();
        while self.keyword("and") {
            rule = Rule::And(Box::new(rule), Box::new(self.not()));
        }
        rule
    }

    fn not(&mut self) -> Rule {
        if self.keyword("not") {
            return Rule::Not(Box::new(self.not()));
        }
        if self.mark('(') {
            let rule = self.or();
            assert!(self.mark(')'), "a parenthesis closes");
            return rule;
        }
        let property = self.word();
        let operator = operator(&self.word());
        Rule::Compare { property, operator, literal: self.literal() }
    }

    fn literal(&mut self) -> Literal {
        if self.mark('[') {
            let mut texts = vec![self.text()];
            while self.mark(',') {
                texts.push(self.text());
            }
            assert!(self.mark(']'), "a list closes");
            return Literal::List(texts);
        }
        let is_null = matches!(self.peek(), Some(Token::Word(word)) if word.eq_ignore_ascii_case("null"));
        let text = self.text();
        if is_null { Literal::Null } else { Literal::Text(text) }
    }

    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.next)
    }

    fn take(&mut self) -> Token {
        let token = self.peek().expect("the rule goes on").clone();
        self.next += 1;
        token
    }

    fn text(&mut self) -> String {
        match self.take() {
            Token::Word(text) | Token::Text(text) => text,
            Token::Mark(mark) => panic!("`{mark}` is no value"),
        }
    }

    fn word(&mut self) -> String {
        match self.take() {
            Token::Word(word) => word,
            other => panic!("{other:?} is no word"),
        }
    }

    fn mark(&mut self, mark: char) -> bool {
        let is_next = self.peek() == Some(&Token::Mark(mark));
        self.next += usize::from(is_next);
        is_next
    }

    fn keyword(&mut self, keyword: &str) -> bool {
        let is_next = matches!(self.peek(), Some(Token::Word(word)) if bare(word).eq_ignore_ascii_case(keyword));
        self.next += usize::from(is_next);
        is_next
    }
}

/// A keyword or operator without its optional hyphen.
fn bare(word: &str) -> &str {
    word.strip_prefix('-').unwrap_or(word)
}

fn operator(word: &str) -> Operator {
    let (test, is_negated) = match bare(word).to_lowercase().as_str() {
        "eq" => (Test::Equals, false),
        "ne" => (Test::Equals, true),
        "startswith" => (Test::StartsWith, false),
        "notstartswith" => (Test::StartsWith, true),
        "endswith" => (Test::EndsWith, false),
        "notendswith" => (Test::EndsWith, true),
        "contains" => (Test::Contains, false),
        "notcontains" => (Test::Contains, true),
        "in" => (Test::In, false),
        "notin" => (Test::In, true),
        other => panic!("`{other}` is no operator"),
    };
    Operator { test, is_negated }
}

impl fmt::Display for Operator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match (self.test, self.is_negated) {
            (Test::Equals, false) => "-eq",
            (Test::Equals, true) => "-ne",
            (Test::StartsWith, false) => "-startsWith",
            (Test::StartsWith, true) => "-notStartsWith",
            (Test::EndsWith, false) => "-endsWith",
            (Test::EndsWith, true) => "-notEndsWith",
            (Test::Contains, false) => "-contains",
            (Test::Contains, true) => "-notContains",
            (Test::In, false) => "-in",
            (Test::In, true) => "-notIn",
        })
    }
}

/// The rule as Microsoft writes it; parentheses only where precedence needs them, so that both parsers prove theirs.
impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Or(one, other) => write!(f, "{one} -or {}", grouped(other, matches!(**other, Self::Or(..)))),
            Self::And(one, other) => {
                let left = grouped(one, matches!(**one, Self::Or(..)));
                let right = grouped(other, matches!(**other, Self::Or(..) | Self::And(..)));
                write!(f, "{left} -and {right}")
            }
            Self::Not(rule) => write!(f, "-not ({rule})"),
            Self::Compare { property, operator, literal } => write!(f, "{property} {operator} {literal}"),
        }
    }
}

fn grouped(rule: &Rule, needed: bool) -> String {
    if needed { format!("({rule})") } else { rule.to_string() }
}

impl fmt::Display for Literal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::Text(text) if matches!(text.as_str(), "True" | "False") => f.write_str(text),
            // A backtick escapes nothing but a quote, so text that has one is written in single quotes.
            Self::Text(text) if text.contains('`') => write!(f, "'{}'", text.replace('\'', "''")),
            Self::Text(text) => write!(f, "\"{}\"", text.replace('"', "`\"")),
            Self::List(texts) => {
                let texts: Vec<String> = texts.iter().map(|text| format!("'{}'", text.replace('\'', "''"))).collect();
                write!(f, "[{}]", texts.join(", "))
            }
        }
    }
}

#[test]
fn negation_binds_tighter_than_and_and_and_tighter_than_or() {
    let facts = |property: &str| match property {
        "a" => Fact::Text("yes"),
        _ => Fact::Null,
    };
    let holds = |text: &str| parse(text).holds(&facts);
    assert!(holds("a -eq 'YES' -or a -eq 'x' -and b -eq 'x'"));
    assert!(!holds("(a -eq 'yes' -or a -eq 'x') -and b -eq 'x'"));
    assert!(holds("not b -eq 'x' and a -eq 'yes'"));
    assert!(holds("b -ne 'x' -and b -notIn ['x', 'y'] -and b -eq null -and a -ne null"));
    assert!(holds("a -in [\"no\", \"yes\"] -and a -notContains \"E`\"S\" -and a -contains \"E\""));
}
