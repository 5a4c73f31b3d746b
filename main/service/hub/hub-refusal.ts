/** What a hub means when it says no. */
import { ClaqError } from '../../../shared/errors.ts';
import type { HubAddress } from './hub-address.ts';

/** A model in one state, on one hub. */
export interface ModelSource {
  readonly hub: HubAddress;
  /** `owner/name` */
  readonly repository: string;
  /** Branch, tag or commit. */
  readonly revision: string;
}

/** The hub's own words are a line; whatever is longer is not for people. */
const MAX_WORDS = 300;

/**
 * The error of an answer of the hub's own origin that will be the same next time. A hub does not tell strangers which
 * private repositories it has: to them these are not found, and are answered with 401 like a token that is wrong.
 */
export function refusal({ hub, repository, revision }: ModelSource, response: Response): ClaqError {
  const page = `${hub.url}/${repository}`;
  const code = response.headers.get('x-error-code');
  const words = response.headers.get('x-error-message')?.slice(0, MAX_WORDS);
  const found = `status ${response.status}${words === undefined ? '' : `: ${words}`}`;
  const token = hub.token === undefined ? 'without a token' : 'with this token';
  if (code === 'GatedRepo') {
    return new ClaqError(
      'hub/needs-token',
      `${repository} is given out only to those who accepted its licence`,
      {
        where: page,
        expected: 'a token of an account that has access',
        found,
        remedy: `accept the licence on ${page}, wait until access is granted, and give a token of that account`,
      },
    );
  }
  if (code === 'RevisionNotFound') {
    return new ClaqError('hub/not-found', `${repository} has no revision ${revision}`, {
      where: page,
      expected: 'a branch, a tag or a whole commit hash',
      found,
      remedy: `look up its revisions on ${page}/tree/main`,
    });
  }
  if (code === 'RepoNotFound' || response.status === 404) {
    return new ClaqError('hub/not-found', `The hub shows no model ${repository} ${token}`, {
      where: page,
      expected: 'the name of a model, as its page shows it: owner/name',
      found,
      remedy: 'check the name; if the model is private, give a token of an account that may read it',
    });
  }
  if (response.status === 401 || response.status === 403) {
    return new ClaqError('hub/needs-token', `The hub does not give ${repository} out ${token}`, {
      where: page,
      expected: 'a token of an account that may read the model',
      found,
      remedy: `check the name, accept the licence on ${page} where it asks for that, and give a token that is valid (Settings, Access Tokens)`,
    });
  }
  return malformedAnswer(response.url, 'the file, or the reason why not', found);
}

/** What came has another size or hash than the hub lists for its commit. */
export function changedFile(address: string, expected: string, found: string): ClaqError {
  return new ClaqError('hub/changed', 'The file that came is not the one that the hub lists', {
    where: address,
    expected,
    found,
    remedy:
      'download again; if it stays, a proxy or a mirror in between serves another file, or the upload is broken',
  });
}

/** @param address of the hub's own; those of a CDN carry signatures, and stay out of errors */
export function malformedAnswer(
  address: string,
  expected: string,
  found: string,
  cause?: unknown,
): ClaqError {
  return new ClaqError('hub/malformed', 'The hub answers in a way that is not understood', {
    where: address,
    expected,
    found,
    remedy: 'check the address of the hub; a proxy or a mirror in between may be the reason',
    ...(cause === undefined ? {} : { cause }),
  });
}
