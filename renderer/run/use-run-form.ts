import { computed, shallowRef, type ComputedRef, type ShallowRef } from 'vue';
import type { ModelCard, ModelId } from '../../shared/library.ts';
import { type RunId, type RunRequest, runIdSchema } from '../../shared/runs.ts';
import type { Settings } from '../../shared/settings.ts';
import { service } from '../api/service.ts';
import { checkChoices, type CheckedChoices } from './field-messages.ts';
import { LEFT_TO_SETTINGS, type RunForm, choicesOfForm, emptyForm, formOfChoices } from './run-form.ts';

/** Everything that the form needs before it can be shown. */
export interface RunFormStart {
  readonly model: ModelCard;
  readonly settings: Settings;
  readonly form: RunForm;
  /** Where the form's values come from, where it is not the program. */
  readonly from: RunId | null;
}

/**
 * The form as it begins: the choices of the run that it is made from; else those of the model's last run, but for those about the
 * machine, which stand in the settings; else none.
 * @param from the `from` of the address
 */
export async function startForm(modelId: ModelId, from: unknown): Promise<RunFormStart> {
  const asked = runIdSchema.safeParse(Number(from));
  const [model, settings, runs] = await Promise.all([
    service.models.get({ id: modelId }),
    service.settings.get(),
    asked.success ? [] : service.runs.list({ modelId }),
  ]);
  const source = asked.success ? asked.data : (runs[0]?.id ?? null);
  if (source === null) return { model, settings, form: emptyForm(), from: null };
  const { choices } = await service.runs.get({ id: source });
  const form = formOfChoices(choices);
  return { model, settings, form: asked.success ? form : { ...form, ...LEFT_TO_SETTINGS }, from: source };
}

export interface RunFormState {
  readonly form: ShallowRef<RunForm>;
  readonly checked: ComputedRef<CheckedChoices>;
  /** Undefined where a field is wrong. */
  readonly request: ComputedRef<RunRequest | undefined>;
  readonly change: (part: Partial<RunForm>) => void;
}

export function useRunForm({ model, form: start }: RunFormStart): RunFormState {
  const form = shallowRef(start);
  const checked = computed(() => checkChoices(choicesOfForm(form.value), model.description));
  const request = computed((): RunRequest | undefined => {
    const { choices } = checked.value;
    return choices === undefined ? undefined : { modelId: model.id, choices };
  });
  return {
    form,
    checked,
    request,
    change: (part) => {
      form.value = { ...form.value, ...part };
    },
  };
}
