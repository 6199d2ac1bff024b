//! From the words of a rule to its tree.
//!
//! Recursive descent that goes on after an error: a comparison with a problem is skipped up to the next `-and`, `-or`
//! or closing parenthesis, and parsing continues there. What a comparison may say is for [`super::check`].
//! Recursion follows parentheses and `-not`, at most `limits::FILTER_DEPTH_MAX` deep.

use std::ops::Range;

use super::check::{self, Value, Written};
use super::lex::{Lexeme, Token, lex};
use super::{Expression, Problem, Root, rules};
use crate::limits;
use crate::text::Mend;

/// The tree of the rule that `text` says, or all problems of it.
pub(super) fn rule(text: &str, root: Root) -> Result<Expression, Vec<Problem>> {
    let length = text.chars().count();
    if length > limits::FILTER_CHARS_MAX {
        let what = format!("the rule has {length} characters");
        let problem = Problem::new(&rules::TOO_LONG, 0..text.len(), what);
        return Err(vec![problem.help("split the policy, or compare with fewer values")]);
    }
    let mut problems = Vec::new();
    let lexemes = lex(text, &mut problems);
    let mut parser = Parser { text, root, lexemes: &lexemes, depth: 0, problems };
    let expression = parser.all();
    let mut problems = parser.problems;
    match expression {
        Some(expression) if problems.is_empty() => Ok(expression),
        _ => {
            problems.sort_by_key(|problem| (problem.range.start, problem.range.end));
            Err(problems)
        }
    }
}

struct Parser<'t, 'l> {
    text: &'t str,
    root: Root,
    /// What is left; [`Token::End`] stays.
    lexemes: &'l [Lexeme<'t>],
    depth: usize,
    problems: Vec<Problem>,
}

/// `None` stands for a part with a problem, which has been told.
impl<'t> Parser<'t, '_> {
    fn all(&mut self) -> Option<Expression> {
        if *self.token() == Token::End {
            self.problem(
                0..self.text.len(),
                "the rule is empty",
                Some("compare an attribute, or leave the filter out"),
            );
            return None;
        }
        let mut expression = self.or();
        while *self.token() == Token::Close {
            let range = self.advance();
            self.problem(range, "this parenthesis closes nothing", None);
            let is_joined = self.connector("or") || self.connector("and");
            if is_joined || !matches!(self.token(), Token::Close | Token::End) {
                self.or();
            }
            expression = None;
        }
        expression
    }

    fn or(&mut self) -> Option<Expression> {
        let mut terms = vec![self.and()];
        while self.connector("or") {
            terms.push(self.and());
        }
        let terms = terms.into_iter().collect::<Option<Vec<_>>>()?;
        Some(join(terms, Expression::Or, |term| match term {
            Expression::Or(inner) => Ok(inner),
            other => Err(other),
        }))
    }

    fn and(&mut self) -> Option<Expression> {
        let mut terms = vec![self.not()];
        while self.connector("and") {
            terms.push(self.not());
        }
        let terms = terms.into_iter().collect::<Option<Vec<_>>>()?;
        Some(join(terms, Expression::And, |term| match term {
            Expression::And(inner) => Ok(inner),
            other => Err(other),
        }))
    }

    fn not(&mut self) -> Option<Expression> {
        if self.connector("not") {
            let term = self.nested(Self::not)?;
            return Some(Expression::Not(Box::new(term)));
        }
        let term = if *self.token() == Token::Open { self.parentheses() } else { self.comparison() };
        self.end_of_term();
        term
    }

    fn parentheses(&mut self) -> Option<Expression> {
        let open = self.advance();
        let inner = self.nested(Self::or);
        if *self.token() == Token::Close {
            self.advance();
        } else if !self.is_given_up() {
            self.problem(open, "this parenthesis is never closed", None);
            return None;
        }
        inner
    }

    fn nested(&mut self, parse: fn(&mut Self) -> Option<Expression>) -> Option<Expression> {
        if self.depth == limits::FILTER_DEPTH_MAX {
            let range = self.range();
            self.problems.push(Problem::new(&rules::TOO_DEEP, range, "the rule nests too deep here"));
            self.lexemes = self.lexemes.last().map_or(&[], std::slice::from_ref);
            return None;
        }
        self.depth += 1;
        let inner = parse(self);
        self.depth -= 1;
        inner
    }

    /// attribute operator value
    fn comparison(&mut self) -> Option<Expression> {
        let Token::Word(attribute) = *self.token() else { return self.no_attribute() };
        if is_connector(attribute) || attribute.starts_with('-') {
            return self.no_attribute();
        }
        let attribute = check::attribute(attribute, self.range(), self.root, &mut self.problems);
        self.advance();
        let operator = match *self.token() {
            Token::Word(word) if !is_connector(word) => check::operator(word, self.range(), &mut self.problems),
            Token::Symbol(symbol) => check::symbol(symbol, self.range(), &mut self.problems),
            _ => {
                let what = format!("expected an operator, found {}", self.found());
                self.problem(
                    self.range(),
                    &what,
                    Some("after an attribute comes an operator such as `-eq` or `-contains`"),
                );
                return self.skip_term();
            }
        };
        let operator_range = self.advance();
        let value = self.value();
        let (Some(attribute), Some(operator), Some(value)) = (attribute, operator, value) else {
            return self.skip_term();
        };
        check::comparison(attribute, (operator, operator_range), value, &mut self.problems).map(Expression::Compare)
    }

    fn value(&mut self) -> Option<Value<'t>> {
        let written = match self.token() {
            Token::Text(text) => Written::Text(text.clone()),
            Token::ListOpen => return self.list(),
            Token::Word(word) if !is_connector(word) => match check::bare(word) {
                Some(written) => written,
                None => {
                    let what = format!("the text {} is not in quotes", self.found());
                    let help = format!("write `\"{word}\"`");
                    let problem = Problem::new(&rules::VALUE, self.range(), what);
                    self.problems.push(problem.help(help));
                    self.advance();
                    return None;
                }
            },
            _ => {
                let what = format!("expected a value, found {}", self.found());
                self.problem(self.range(), &what, None);
                return None;
            }
        };
        Some(Value { written, range: self.advance() })
    }

    fn list(&mut self) -> Option<Value<'t>> {
        let start = self.advance().start;
        let mut texts = Vec::new();
        while *self.token() != Token::ListClose {
            let Token::Text(text) = self.token() else {
                let what = format!("expected a text in quotes, found {}", self.found());
                self.problem(self.range(), &what, Some("write a list as in `[\"a\", \"b\"]`"));
                return None;
            };
            texts.push(text.clone());
            self.advance();
            match self.token() {
                Token::Comma => drop(self.advance()),
                Token::ListClose => {}
                _ => {
                    let what = format!("expected `,` or `]`, found {}", self.found());
                    self.problem(self.range(), &what, None);
                    return None;
                }
            }
        }
        let end = self.advance().end;
        Some(Value { written: Written::List(texts), range: start..end })
    }

    /// After a term only `-and`, `-or`, `)` or the end can follow.
    fn end_of_term(&mut self) {
        if !matches!(self.token(), Token::End | Token::Close) && !self.is_next("and") && !self.is_next("or") {
            let what = format!("expected `-and`, `-or` or the end of the rule, found {}", self.found());
            self.problem(self.range(), &what, None);
            self.skip_term();
        }
    }

    fn no_attribute(&mut self) -> Option<Expression> {
        let what = format!("expected an attribute, found {}", self.found());
        let help = match self.root {
            Root::Device => "write attribute, operator and value, as in `device.isCompliant -eq True`",
            Root::CustomSecurityAttributes => {
                "write attribute, operator and value, as in `CustomSecurityAttribute.Set_Attribute -eq \"text\"`"
            }
        };
        self.problem(self.range(), &what, Some(help));
        self.skip_term()
    }

    /// Goes to the next `-and`, `-or` or `)` that belongs to this level.
    fn skip_term(&mut self) -> Option<Expression> {
        let mut open = 0_usize;
        loop {
            match *self.token() {
                Token::End => return None,
                Token::Close if open == 0 => return None,
                Token::Close => open -= 1,
                Token::Open => open += 1,
                _ if open == 0 && (self.is_next("and") || self.is_next("or")) => return None,
                _ => {}
            }
            self.advance();
        }
    }

    /// Takes `name`, which is `and`, `or` or `not`, if it is next; the symbols of other languages too, as a problem.
    fn connector(&mut self, name: &str) -> bool {
        let is_next = self.is_next(name);
        if is_next {
            if let Token::Symbol(symbol) = *self.token() {
                let what = format!("`{symbol}` is not an operator of filters");
                let help = format!("write `-{name}`");
                let word = [("and", "-and"), ("or", "-or")].into_iter().find(|(known, _)| *known == name);
                let mend = word.map(|(_, becomes)| Box::new(Mend::Word { is: symbol.into(), becomes }));
                self.problems.push(Problem { mend, ..Problem::new(&rules::SYNTAX, self.range(), what).help(help) });
            }
            self.advance();
        }
        is_next
    }

    fn is_next(&self, name: &str) -> bool {
        match *self.token() {
            Token::Word(word) => is_named(word, name),
            Token::Symbol("&&" | "&") => name == "and",
            Token::Symbol("||" | "|") => name == "or",
            Token::Symbol("!") => name == "not",
            _ => false,
        }
    }

    fn token(&self) -> &Token<'t> {
        self.lexemes.first().map_or(&Token::End, |lexeme| &lexeme.token)
    }

    fn range(&self) -> Range<usize> {
        self.lexemes.first().map_or(self.text.len()..self.text.len(), |lexeme| lexeme.range.clone())
    }

    /// Goes one word on; the range of the word left behind.
    fn advance(&mut self) -> Range<usize> {
        let range = self.range();
        if let [_, rest @ ..] = self.lexemes
            && !rest.is_empty()
        {
            self.lexemes = rest;
        }
        range
    }

    fn is_given_up(&self) -> bool {
        self.problems.last().is_some_and(|problem| problem.rule == &rules::TOO_DEEP)
    }

    fn found(&self) -> String {
        match self.token() {
            Token::End => "the end of the rule".to_owned(),
            _ => check::shown(self.text.get(self.range()).unwrap_or_default()),
        }
    }

    fn problem(&mut self, range: Range<usize>, what: &str, help: Option<&str>) {
        let problem = Problem::new(&rules::SYNTAX, range, what);
        self.problems.push(match help {
            Some(help) => problem.help(help),
            None => problem,
        });
    }
}

fn is_named(word: &str, name: &str) -> bool {
    word.strip_prefix('-').unwrap_or(word).eq_ignore_ascii_case(name)
}

fn is_connector(word: &str) -> bool {
    ["and", "or", "not"].iter().any(|name| is_named(word, name))
}

/// One term as itself, several as one expression, inner expressions of the same kind dissolved.
fn join(
    terms: Vec<Expression>,
    kind: fn(Vec<Expression>) -> Expression,
    inner: fn(Expression) -> Result<Vec<Expression>, Expression>,
) -> Expression {
    let mut flat: Vec<_> = terms.into_iter().flat_map(|term| inner(term).unwrap_or_else(|other| vec![other])).collect();
    match flat.pop() {
        Some(only) if flat.is_empty() => only,
        last => {
            flat.extend(last);
            kind(flat)
        }
    }
}
