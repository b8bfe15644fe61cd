import type { TermResult } from '@distillery/spec';
import type { Component } from './component.ts';

/** Keeps what the preflight measured of the terms, so that a run that resumes trains with the weights that were found. */
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
