import type { TermResult } from '@distillery/spec';
import type { Component } from './component.ts';

/** Keeps the results of the preflight, so that a resumed run trains with the same weights. */
export function measuredTerms(): Component & { results: TermResult[] } {
  return {
    name: 'terms',
    /** In the order of the session's terms; empty before the preflight. */
    results: [],
    state() {
      return { facts: this.results };
    },
    restore({ facts }) {
      this.results = facts as TermResult[];
    },
  };
}
