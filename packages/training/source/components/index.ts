import { type Choice, digestOf, type Registry, registry } from '@distillery/spec';
import type { Member } from '../member.ts';
import type { WeightedTerm } from '../method.ts';
import type { Component } from './component.ts';
import type { ComponentKind } from './component-kind.ts';

/** The components that terms can choose as their teacher. */
export const componentKinds: Registry<ComponentKind> = registry<ComponentKind>([]);

/** Names a component within its member. Terms that make the same choice share one component. */
export function componentName(choice: Choice): string {
  return `${choice.type}-${digestOf(choice).slice(0, 12)}`;
}

/** Creates the components that a member's terms learn from. */
export function teachingComponents(member: Member): Component[] {
  const choices = new Map(chosenBy(member.method).map((choice) => [componentName(choice), choice] as const));
  return [...choices].map(([name, choice]) => ({
    ...componentKinds.get(choice.type).create(choice, member),
    name,
  }));
}

function chosenBy(method: readonly WeightedTerm[]): Choice[] {
  return method.flatMap(({ source }) =>
    source !== undefined && 'component' in source ? [source.component] : [],
  );
}
