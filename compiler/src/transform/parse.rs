//! Text → syntax tree.

use swc_core::{
    common::{BytePos, Span, Spanned, comments::SingleThreadedComments},
    ecma::{
        ast::{EsVersion, Module, ModuleItem, Program, Script},
        parser::{EsSyntax, Parser, StringInput, Syntax, TsSyntax, error::Error, lexer::Lexer},
    },
};

use super::Input;
use crate::diagnostic::Diagnostic;

pub(super) struct Parsed {
    pub(super) program: Program,
    pub(super) comments: SingleThreadedComments,
    /// The file is a module for `import.meta` or a top-level `await` alone.
    pub(super) module_syntax: bool,
}

/// Offset in the text of a position of the parser, which starts at 1.
pub(super) fn offset(position: BytePos) -> usize {
    (position.0 as usize).saturating_sub(1)
}

pub(crate) fn range(span: Span) -> (usize, usize) {
    (offset(span.lo), offset(span.hi))
}

fn syntax(input: &Input<'_>) -> Syntax {
    if input.language.typescript {
        Syntax::Typescript(TsSyntax {
            tsx: input.language.jsx,
            decorators: true,
            ..TsSyntax::default()
        })
    } else {
        Syntax::Es(EsSyntax {
            jsx: input.language.jsx,
            decorators: true,
            decorators_before_export: true,
            import_attributes: true,
            // A CommonJS module is the body of a function.
            allow_return_outside_function: !input.esm,
            auto_accessors: true,
            explicit_resource_management: true,
            ..EsSyntax::default()
        })
    }
}

pub(super) fn parse(input: &Input<'_>) -> Result<Parsed, Vec<Diagnostic>> {
    let Ok(length) = u32::try_from(input.text.len() + 1) else {
        return Err(vec![Diagnostic::file(input.path, "The file is too large")]);
    };
    let comments = SingleThreadedComments::default();
    let source = StringInput::new(input.text, BytePos(1), BytePos(1 + length - 1));
    // Comments steer only JSX.
    let wanted = (input.language.jsx || input.comments)
        .then_some(&comments as &dyn swc_core::common::comments::Comments);
    let lexer = Lexer::new(syntax(input), EsVersion::latest(), source, wanted);
    let mut parser = Parser::new_from(lexer);
    let result = parser.parse_program();
    let mut errors: Vec<Error> = parser.take_errors();
    let program = match result {
        Ok(program) if errors.is_empty() => program,
        Ok(_) => return Err(diagnostics(input, &errors)),
        Err(error) => {
            errors.insert(0, error);
            return Err(diagnostics(input, &errors));
        }
    };
    let module_syntax = match &program {
        Program::Module(module) => !module.body.iter().any(ModuleItem::is_module_decl),
        Program::Script(_) => false,
    };
    Ok(Parsed {
        program,
        comments,
        module_syntax,
    })
}

/// At most a few messages: what follows the first error is often noise.
fn diagnostics(input: &Input<'_>, errors: &[Error]) -> Vec<Diagnostic> {
    let mut diagnostics: Vec<Diagnostic> = Vec::new();
    for error in errors {
        let (start, end) = range(error.span());
        let message = error.kind().msg();
        let mut diagnostic = Diagnostic::at(input.path, input.text, start, end, message);
        if let Some(hint) = hint(input, &diagnostic.message, start) {
            diagnostic = diagnostic.hint(hint);
        }
        if !diagnostics
            .iter()
            .any(|known| known.line == diagnostic.line)
        {
            diagnostics.push(diagnostic);
        }
        if diagnostics.len() == 5 {
            break;
        }
    }
    diagnostics
}

fn hint(input: &Input<'_>, message: &str, start: usize) -> Option<&'static str> {
    let rest = input.text.get(start..).unwrap_or_default();
    if !input.language.typescript
        && (message.contains("TypeScript")
            || rest.starts_with(':')
            || rest.starts_with("interface "))
    {
        return Some("type annotations need a file name that ends in .ts");
    }
    if !input.language.jsx && rest.starts_with('<') {
        return Some("JSX needs a file name that ends in .tsx or .jsx");
    }
    if rest.is_empty() {
        return Some("the file ends too early: a bracket or a quote is not closed");
    }
    if message.contains("await") {
        return Some(
            "`await` is allowed at the top level of an ES module and inside of async functions",
        );
    }
    None
}

/// A script with its statements as those of a module.
pub(crate) fn as_module(script: Script) -> Module {
    Module {
        span: script.span,
        body: script.body.into_iter().map(ModuleItem::Stmt).collect(),
        shebang: None,
    }
}
