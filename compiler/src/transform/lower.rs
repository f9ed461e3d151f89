//! Everything that the engine does not read itself: types, enums, decorators, JSX, `using`.

use swc_core::{
    common::{Mark, SourceMap, comments::SingleThreadedComments, sync::Lrc},
    ecma::{
        ast::{ClassMember, Decorator, Pass, Program, UsingDecl},
        transforms::{
            base::helpers::{HELPERS, Helpers, inject_helpers},
            proposal::{
                decorator_2022_03::decorator_2022_03,
                decorators::{self, decorators},
                explicit_resource_management::explicit_resource_management,
            },
            react::{self, Runtime, react},
            typescript,
        },
        visit::{
            Visit, VisitMut, VisitMutWith, VisitWith, noop_visit_mut_type, noop_visit_type,
            visit_mut_pass,
        },
    },
};

use super::Input;
use crate::tsconfig::Decorators;

/// Syntax that only some files have.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Found {
    decorators: bool,
    using: bool,
}

impl Found {
    /// Looks into the tree only where the text gives a reason to.
    pub(super) fn look(program: &Program, input: &Input<'_>) -> Self {
        let mut found = Self::default();
        if input.text.contains('@') || input.text.contains("using ") {
            program.visit_with(&mut found);
        }
        found
    }

    /// Plain JavaScript skips the passes: it is most of a build.
    pub(super) fn needs_lowering(self, input: &Input<'_>) -> bool {
        input.language.typescript || input.language.jsx || self.decorators || self.using
    }
}

impl Visit for Found {
    noop_visit_type!();

    fn visit_decorator(&mut self, _: &Decorator) {
        self.decorators = true;
    }

    fn visit_using_decl(&mut self, declaration: &UsingDecl) {
        self.using = true;
        declaration.visit_children_with(self);
    }
}

pub(super) fn lower(
    program: Program,
    input: &Input<'_>,
    found: Found,
    comments: SingleThreadedComments,
    unresolved: Mark,
    top_level: Mark,
) -> Program {
    let settings = input.settings;
    HELPERS.set(&Helpers::new(false), || {
        let mut program = program;
        if found.decorators {
            match settings.decorators {
                Decorators::Legacy { metadata } => run(
                    &mut program,
                    decorators(decorators::Config {
                        legacy: true,
                        emit_metadata: metadata,
                        use_define_for_class_fields: settings.define_class_fields,
                    }),
                ),
                Decorators::Standard => run(&mut program, decorator_2022_03()),
            }
        }
        if found.using {
            run(&mut program, explicit_resource_management());
        }
        if input.language.typescript {
            if !settings.define_class_fields {
                run(&mut program, visit_mut_pass(DropEmptyFields));
            }
            let config = typescript::Config {
                verbatim_module_syntax: settings.verbatim_module_syntax,
                native_class_properties: settings.define_class_fields,
                ..typescript::Config::default()
            };
            if input.language.jsx {
                run(
                    &mut program,
                    typescript::tsx(
                        Lrc::new(SourceMap::default()),
                        config,
                        typescript::TsxConfig {
                            pragma: settings.jsx_factory.clone().map(Into::into),
                            pragma_frag: settings.jsx_fragment.clone().map(Into::into),
                        },
                        comments.clone(),
                        unresolved,
                        top_level,
                    ),
                );
            } else {
                run(
                    &mut program,
                    typescript::typescript(config, unresolved, top_level),
                );
            }
        }
        if input.language.jsx {
            let options = react::Options {
                runtime: Some(if settings.jsx_automatic {
                    Runtime::Automatic
                } else {
                    Runtime::Classic
                }),
                import_source: settings.jsx_import_source.clone().map(Into::into),
                pragma: settings.jsx_factory.clone().map(Into::into),
                pragma_frag: settings.jsx_fragment.clone().map(Into::into),
                ..react::Options::default()
            };
            run(
                &mut program,
                react(
                    Lrc::new(SourceMap::default()),
                    Some(comments),
                    options,
                    top_level,
                    unresolved,
                ),
            );
        }
        run(&mut program, inject_helpers(unresolved));
        program
    })
}

fn run(program: &mut Program, mut pass: impl Pass) {
    pass.process(program);
}

/// `name: string;` declares and does not define when class fields are assigned.
struct DropEmptyFields;

impl VisitMut for DropEmptyFields {
    noop_visit_mut_type!();

    fn visit_mut_class_members(&mut self, members: &mut Vec<ClassMember>) {
        members.retain(|member| match member {
            ClassMember::ClassProp(field) => {
                field.value.is_some() || field.is_static || !field.decorators.is_empty()
            }
            _ => true,
        });
        members.visit_mut_children_with(self);
    }
}
